#!/bin/bash
# Package:   botocore 1.44.8 (Python package), web identity (AWS_WEB_IDENTITY_TOKEN_FILE), default configuration
# Behaviour: The credentials are good for four minutes more when the exchange is due, and a gateway in front of the
#            token service answers 503. If its page is empty or begins with <html>, the request is sent three times and
#            ClientError is raised. If it is text or JSON, it is sent once and ResponseParserError is raised, which is
#            no ClientError. If it begins with a DOCTYPE, one <br> or <meta> decides: the page must also be XML. A 200
#            with a login page is a KeyError. The credentials at hand are not used in any case.
# Matters:   Whether an outage of a second is survived depends on the text of somebody's error page: "no healthy
#            upstream" of Envoy is not tried again, the page of nginx is. Catch BotoCoreError and ClientError (and
#            KeyError) around a call, and retry outside.
# Guess:     Three sends and ClientError for each 503. (After text had been sent once: three for any page of HTML. JSON
#            was expected to be as text.)
# Seen:      empty, <html>: 3 sends, ClientError / DOCTYPE with a <br>, text, JSON: 1 send, ResponseParserError
# Duration:  seconds without install.
set -euo pipefail
T=$(mktemp -d); trap 'rm -rf "$T"' EXIT; cd "$T"
python3 -m venv v && v/bin/pip -q install botocore==1.44.8
cat > t.py <<'P'
import datetime, http.server, os, threading
for k in list(os.environ):
    if k.lower().endswith("_proxy") or k.startswith("AWS_"): del os.environ[k]
state, sent = {}, []
class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    def log_message(self, *a): pass
    def do_POST(self):
        self.rfile.read(int(self.headers["Content-Length"]))
        sent.append(1)
        status, body = state["answer"] if len(sent) > 1 else (200, credentials())
        self.send_response(status)
        self.send_header("Content-Type", "text/xml" if len(sent) == 1 else "text/html")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body.encode())
def credentials():
    end = (datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(minutes=4)).strftime("%Y-%m-%dT%H:%M:%SZ")
    return ('<AssumeRoleWithWebIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><AssumeRoleWithWebIdentityResult>'
            '<Credentials><AccessKeyId>good for 4 minutes</AccessKeyId><SecretAccessKey>s</SecretAccessKey><SessionToken>t</SessionToken>'
            f'<Expiration>{end}</Expiration></Credentials></AssumeRoleWithWebIdentityResult></AssumeRoleWithWebIdentityResponse>')
srv = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
threading.Thread(target=srv.serve_forever, daemon=True).start()
with open("identity", "w") as f: f.write("identity-token")
os.environ.update(AWS_ROLE_ARN="arn:aws:iam::123456789012:role/r", AWS_WEB_IDENTITY_TOKEN_FILE="identity", HOME=".",
                  AWS_ENDPOINT_URL_STS=f"http://127.0.0.1:{srv.server_port}", AWS_DEFAULT_REGION="eu-west-1", AWS_EC2_METADATA_DISABLED="true")
import botocore.session

for status, body in ((503, ""), (503, "<html><body><center>503 Service Temporarily Unavailable</center></body></html>"),
                     (503, "<!DOCTYPE html><html><body>Down</body></html>"), (503, "<!DOCTYPE html><html><body>Down<br>Try later</body></html>"),
                     (503, "no healthy upstream"), (503, '{"message": "down"}'), (429, "local_rate_limited"), (200, "<html><body>Log in</body></html>")):
    sent.clear()
    state["answer"] = (status, body)
    found = botocore.session.get_session().get_credentials()
    found.get_frozen_credentials()
    try: result = found.get_frozen_credentials().access_key
    except Exception as e: result = type(e).__name__
    print(f"{status} {body!r}: sent {len(sent) - 1}, {result}")
P
v/bin/python -W ignore t.py | tee seen
diff - seen <<'P'
503 '': sent 3, ClientError
503 '<html><body><center>503 Service Temporarily Unavailable</center></body></html>': sent 3, ClientError
503 '<!DOCTYPE html><html><body>Down</body></html>': sent 3, ClientError
503 '<!DOCTYPE html><html><body>Down<br>Try later</body></html>': sent 1, ResponseParserError
503 'no healthy upstream': sent 1, ResponseParserError
503 '{"message": "down"}': sent 1, ResponseParserError
429 'local_rate_limited': sent 1, ResponseParserError
200 '<html><body>Log in</body></html>': sent 1, KeyError
P
echo "as expected"

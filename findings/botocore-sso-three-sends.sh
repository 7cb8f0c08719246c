#!/bin/bash
# Package:   botocore 1.44.8 (PyPI), token provider of an SSO session, default configuration
# Behaviour: A refresh of an SSO token is sent three times when the endpoint answers 502, and
#            three times when the connection is closed after the request was read, all within
#            seconds. The default retry mode is "standard" here, no longer "legacy".
#            After the 502s the old token, valid for five minutes more, is handed out. After the
#            closed connections an exception is raised instead, for the same valid token.
# Matters:   A closed connection may hide a rotation, and the same refresh token goes out again
#            within milliseconds. What a caller sees depends on the kind of failure, not on
#            whether the old token is still good.
# Guess:     Five sends each, the number of the "legacy" mode.
# Seen:      502: 3 sends, old token / closed: 3 sends, ConnectionClosedError
# Duration:  a few seconds without install.
set -euo pipefail
T=$(mktemp -d); trap 'rm -rf "$T"' EXIT; cd "$T"
python3 -m venv v && v/bin/pip -q install botocore==1.44.8
cat > t.py <<'P'
import datetime, hashlib, http.server, json, os, tempfile, threading, time
kind, sends, tokens = None, [], []

class Endpoint(http.server.BaseHTTPRequestHandler):
    def log_message(self, *a): pass
    def do_POST(self):
        form = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        sends.append(time.monotonic()); tokens.append(form["refreshToken"])
        if kind == "502":
            self.send_response(502); self.send_header("Content-Length", "0"); self.end_headers()
        else:
            self.close_connection = True

srv = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Endpoint)
threading.Thread(target=srv.serve_forever, daemon=True).start()
home = tempfile.mkdtemp(dir=".")
for k in [k for k in os.environ if k.startswith("AWS_")]: del os.environ[k]
os.environ.update(HOME=os.path.abspath(home), AWS_CONFIG_FILE=home + "/config", NO_PROXY="*",
                  AWS_ENDPOINT_URL_SSO_OIDC=f"http://127.0.0.1:{srv.server_port}")
open(home + "/config", "w").write(
    "[profile p]\nsso_session = s\nsso_account_id = 1\nsso_role_name = r\n"
    "[sso-session s]\nsso_region = us-east-1\nsso_start_url = https://start.example\n")
cache = os.path.abspath(home) + "/.aws/sso/cache"; os.makedirs(cache)
now = datetime.datetime.now(datetime.timezone.utc)
at = lambda s: (now + datetime.timedelta(seconds=s)).strftime("%Y-%m-%dT%H:%M:%SZ")
json.dump({"startUrl": "https://start.example", "region": "us-east-1", "accessToken": "a1", "expiresAt": at(300),
           "clientId": "c", "clientSecret": "s", "registrationExpiresAt": at(864000), "refreshToken": "r1"},
          open(f"{cache}/{hashlib.sha1(b's').hexdigest()}.json", "w"))
import botocore.session
from botocore.tokens import SSOTokenProvider
for kind in ("502", "closed"):
    sends.clear(); tokens.clear()
    try:
        result = SSOTokenProvider(botocore.session.Session(profile="p")).load_token().get_frozen_token().token
    except Exception as e:
        result = type(e).__name__
    # Exponential back-off with full jitter: bounds only, no exact times.
    print(f"{kind}: {len(sends)} sends of {sorted(set(tokens))}, within 4 s: {sends[-1] - sends[0] < 4}, result {result}")
P
v/bin/python t.py | tee seen
diff - seen <<'P'
502: 3 sends of ['r1'], within 4 s: True, result a1
closed: 3 sends of ['r1'], within 4 s: True, result ConnectionClosedError
P
echo "as expected"

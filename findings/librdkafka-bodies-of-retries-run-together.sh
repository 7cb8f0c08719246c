#!/bin/bash
# Package:   confluent-kafka 2.16.1 (PyPI), which brings librdkafka 2.16.1; SASL OAUTHBEARER, method oidc
# Behaviour: The token endpoint answers 503 with a JSON body, then 200 with a good token. The
#            client retries after five seconds, gets the token, and reports a failure: it reads
#            the body of the first response in front of the second. The same happens with 429 and
#            with a 502 page. With an empty body in the first response the token is used.
# Matters:   One passing failure costs a second token, and a wait of ten seconds more. At a server
#            that counts requests or rotates anything, the good answer is thrown away unseen. The
#            error names the shape of the response, not the 503 that caused it.
# Guess:     The second response's token is used; Retry-After is ignored (that half was right).
# Seen:      503 JSON, 429 JSON, 502 HTML: an error at the second request, a third request follows
#            502 empty: no error, two requests
# Duration:  about 21 seconds without install.
set -euo pipefail
T=$(mktemp -d); trap 'rm -rf "$T"' EXIT; cd "$T"
python3 -m venv v && v/bin/pip -q install confluent-kafka==2.16.1
cat > client.py <<'P'
import os, sys, time
from confluent_kafka import Producer
def told(e):
    if e.name() == "_AUTHENTICATION":
        print(e.str(), flush=True)
p = Producer({"bootstrap.servers": "127.0.0.1:1", "security.protocol": "SASL_PLAINTEXT", "sasl.mechanisms": "OAUTHBEARER",
              "sasl.oauthbearer.method": "oidc", "sasl.oauthbearer.client.id": "c", "sasl.oauthbearer.client.secret": "s",
              "sasl.oauthbearer.token.endpoint.url": sys.argv[1], "error_cb": told, "log_level": 0})
end = time.monotonic() + 20
while time.monotonic() < end:
    p.poll(0.2)
sys.stdout.flush()
os._exit(0)
P
cat > t.py <<'P'
import base64, http.server, json, os, subprocess, sys, threading, time
part = lambda d: base64.urlsafe_b64encode(json.dumps(d).encode()).decode().rstrip("=")
now = int(time.time())
token = ".".join((part({"alg": "RS256"}), part({"sub": "user", "iat": now, "exp": now + 3000}), "c2ln"))
GOOD = json.dumps({"access_token": token, "token_type": "Bearer", "expires_in": 3000}).encode()
cases = {"503 JSON": (503, b'{"error":"temporarily_unavailable"}'), "429 JSON": (429, b'{"error":"slow_down"}'),
         "502 HTML": (502, b"<html></html>"), "502 empty": (502, b"")}
def start(first):
    count = []
    class Endpoint(http.server.BaseHTTPRequestHandler):
        def log_message(self, *a): pass
        def do_POST(self):
            self.rfile.read(int(self.headers["Content-Length"]))
            count.append(1)
            status, body = first if len(count) == 1 else (200, GOOD)
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)
    srv = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Endpoint)
    threading.Thread(target=srv.serve_forever, daemon=True).start()
    env = {k: v for k, v in os.environ.items() if not k.lower().endswith("_proxy")}
    p = subprocess.Popen([sys.executable, "client.py", f"http://127.0.0.1:{srv.server_port}/token"], stdout=subprocess.PIPE,
                         stderr=subprocess.DEVNULL, text=True, env=env)
    return p, count
running = {name: start(first) for name, first in cases.items()}
for name, (p, count) in running.items():
    errors = p.communicate(timeout=60)[0].strip().splitlines()
    print(f"{name}: requests {len(count)}; {errors[0].split('token: ', 1)[1].split(' at ')[0] if errors else 'no error'}")
P
v/bin/python t.py | tee seen
diff - seen <<'P'
503 JSON: requests 3; Expected JSON response with "access_token" field
429 JSON: requests 3; Expected JSON response with "access_token" field
502 HTML: requests 3; Failed to parse JSON response
502 empty: requests 2; no error
P
echo "as expected"

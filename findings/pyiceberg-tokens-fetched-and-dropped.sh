#!/bin/bash
# Package:   pyiceberg 0.12.0 (PyPI), OAuth2TokenProvider with its defaults
# Behaviour: A token response without expires_in raises ValueError, with "expires_in": "3600" (a
#            string) TypeError. Both are raised after the token was received. The token is not
#            used, and nothing is remembered: every further call requests one more token.
# Matters:   RFC 6749 only recommends expires_in, and some providers send a string. The catalogue
#            is unusable, and every call mints a token at the server. That looks like a
#            storm to its rate limit.
# Guess:     Without expires_in a default of an hour; a string is read as a number.
# Seen:      missing: 3 calls, 3 requests, ValueError / string: 3 calls, 3 requests, TypeError
#            number: 3 calls, 1 request
# Duration:  seconds without install.
set -euo pipefail
T=$(mktemp -d); trap 'rm -rf "$T"' EXIT; cd "$T"
python3 -m venv v && v/bin/pip -q install pyiceberg==0.12.0
cat > t.py <<'P'
import http.server, json, os, threading
os.environ["NO_PROXY"] = "127.0.0.1"
from pyiceberg.catalog.rest.auth import OAuth2TokenProvider
extra, count = {}, 0
class Endpoint(http.server.BaseHTTPRequestHandler):
    def log_message(self, *a): pass
    def do_POST(self):
        global count
        count += 1
        self.rfile.read(int(self.headers["Content-Length"]))
        body = json.dumps({"access_token": f"a{count}", "token_type": "Bearer", **extra}).encode()
        self.send_response(200); self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body))); self.end_headers(); self.wfile.write(body)
srv = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Endpoint)
threading.Thread(target=srv.serve_forever, daemon=True).start()
for name, extra in (("missing", {}), ("string", {"expires_in": "3600"}), ("number", {"expires_in": 3600})):
    count, results = 0, []
    provider = OAuth2TokenProvider("client", "secret", f"http://127.0.0.1:{srv.server_port}/token")
    for _ in range(3):
        try:
            results.append(provider.get_token())
        except Exception as e:
            results.append(type(e).__name__)
    print(f"{name}: requests {count}; {' '.join(results)}")
P
v/bin/python t.py | tee seen
diff - seen <<'P'
missing: requests 3; ValueError ValueError ValueError
string: requests 3; TypeError TypeError TypeError
number: requests 1; a1 a1 a1
P
echo "as expected"

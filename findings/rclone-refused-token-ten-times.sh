#!/bin/bash
# Package:   rclone 1.60.1+dfsg-2+b5 (Debian 12), remote of type box with its own token_url
# Behaviour: The token endpoint answers 400 invalid_grant. One "rclone lsd" sends the refused
#            refresh token ten times within five seconds: five rounds, one second apart, and in
#            each round once with HTTP Basic and once with the secret in the body. The style of
#            client authentication is never remembered, because no request succeeds.
# Matters:   invalid_grant is a verdict, and is treated as a passing failure. At a server that
#            counts replays or limits by client, one command costs ten requests. Whoever reads
#            the server's log sees two methods of client authentication from one client.
# Guess:     At most six requests: three rounds for --retries 3, two styles each.
# Seen:      10 requests: Basic, body, Basic, body, ...
# Duration:  about 6 seconds without install. Needs Debian 12's package lists (apt-get update).
set -euo pipefail
T=$(mktemp -d); trap 'rm -rf "$T"' EXIT; cd "$T"
apt-get -q download rclone=1.60.1+dfsg-2+b5 >/dev/null && dpkg -x rclone_*.deb root
cat > t.py <<'P'
import http.server, os, subprocess, threading, urllib.parse
styles = []
class Endpoint(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    def log_message(self, *a): pass
    def do_POST(self):
        form = urllib.parse.parse_qs(self.rfile.read(int(self.headers["Content-Length"])).decode())
        assert form["refresh_token"] == ["r1"]
        styles.append("Basic" if "Authorization" in self.headers else "body" if "client_secret" in form else "none")
        answer = b'{"error":"invalid_grant","error_description":"Refresh token has expired"}'
        self.send_response(400); self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(answer))); self.end_headers(); self.wfile.write(answer)
srv = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Endpoint)
threading.Thread(target=srv.serve_forever, daemon=True).start()
u = f"http://127.0.0.1:{srv.server_port}"
open("rclone.conf", "w").write(
    f"[b]\ntype = box\nclient_id = c\nclient_secret = s\ntoken_url = {u}/token\nauth_url = {u}/auth\n"
    'token = {"access_token":"a1","token_type":"bearer","refresh_token":"r1","expiry":"2020-01-01T00:00:00Z"}\n')
# Nothing but the token endpoint is ever asked; the dead proxy keeps it so.
env = dict(os.environ, HTTPS_PROXY="http://127.0.0.1:9", NO_PROXY="127.0.0.1")
code = subprocess.run(["root/usr/bin/rclone", "--config", "rclone.conf", "lsd", "b:"], env=env,
                      stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, timeout=60).returncode
print("exit", code, "requests", len(styles), *styles)
P
python3 t.py | tee seen
diff - seen <<'P'
exit 1 requests 10 Basic body Basic body Basic body Basic body Basic body
P
echo "as expected"

#!/bin/bash
# Package:   msal 1.39.0 with requests 2.34.2 (PyPI), acquire_token_silent, oidc_authority
# Behaviour: The access token is good for an hour, and refresh_in says that it is time to refresh.
#            When that refresh fails by a closed connection, 429 or 400, the valid token is returned.
#            When the server answers 500, 502 or 503, MsalServiceError is raised instead. The
#            next call raises it again, without asking the server.
# Matters:   refresh_in exists so that an outage is survived with the token at hand. The usual outage,
#            a 503, is the case that fails, and calls stop although the token is valid. A caller
#            should catch MsalServiceError and look into its own copy of the token first.
# Guess:     503: the valid token is returned. Closed connection: an exception.
# Seen:      closed, 429, 400: a1 a1 / 500, 502, 503: MsalServiceError twice, one request sent
# Duration:  seconds without install.
set -euo pipefail
T=$(mktemp -d); trap 'rm -rf "$T"' EXIT; cd "$T"
python3 -m venv v && v/bin/pip -q install msal==1.39.0 requests==2.34.2
cat > t.py <<'P'
import base64, http.server, json, logging, threading, time
import msal, requests
logging.disable(logging.CRITICAL)

class Http:
    """msal wants https addresses; this client takes them to the server on loopback."""
    def __init__(self): self.session = requests.Session()
    def post(self, url, **kw): return self.session.post(url.replace("https://", "http://"), **kw)
    def get(self, url, **kw): return self.session.get(url.replace("https://", "http://"), **kw)
    def close(self): self.session.close()

part = lambda o: base64.urlsafe_b64encode(json.dumps(o).encode()).rstrip(b"=").decode()

class Server(http.server.ThreadingHTTPServer):
    def handle_error(self, *a): pass

for outage in ("closed connection", 429, 400, 500, 502, 503):
    sent = []
    class Handler(http.server.BaseHTTPRequestHandler):
        def log_message(self, *a): pass
        def answer(self, status, body):
            data = json.dumps(body).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)
        def do_GET(self):
            self.answer(200, {"issuer": url, "token_endpoint": url + "/token", "authorization_endpoint": url + "/authorize"})
        def do_POST(self):
            self.rfile.read(int(self.headers["Content-Length"]))
            sent.append(1)
            if len(sent) > 1:
                if outage == "closed connection":
                    self.close_connection = True
                    return
                return self.answer(outage, {"error": "temporarily_unavailable"})
            now = int(time.time())
            id_token = ".".join([part({"alg": "none"}), part({"iss": url, "sub": "u", "aud": "c", "iat": now, "exp": now + 3600}), "x"])
            self.answer(200, {"access_token": "a1", "refresh_token": "r1", "token_type": "Bearer", "expires_in": 3600, "refresh_in": 0,
                              "client_info": part({"uid": "u", "utid": "t"}), "id_token": id_token})
    srv = Server(("127.0.0.1", 0), Handler)
    threading.Thread(target=srv.serve_forever, daemon=True).start()
    url = f"https://127.0.0.1:{srv.server_port}/tenant"
    app = msal.PublicClientApplication("c", oidc_authority=url, http_client=Http())
    app.acquire_token_by_refresh_token("r0", scopes=["x"])
    account = app.get_accounts()[0]
    time.sleep(1.1)  # refresh_in is over, in whole seconds
    results = []
    for _ in range(2):
        try:
            results.append(app.acquire_token_silent(["x"], account=account)["access_token"])
        except Exception as e:
            results.append(type(e).__name__)
    print(f"{outage}: {' '.join(results)}" + (f"; refreshes sent: {len(sent) - 1}" if outage in (500, 502, 503) else ""))
    srv.shutdown()
P
v/bin/python t.py | tee seen
diff - seen <<'P'
closed connection: a1 a1
429: a1 a1
400: a1 a1
500: MsalServiceError MsalServiceError; refreshes sent: 1
502: MsalServiceError MsalServiceError; refreshes sent: 1
503: MsalServiceError MsalServiceError; refreshes sent: 1
P
echo "as expected"

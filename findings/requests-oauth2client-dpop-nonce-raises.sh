#!/bin/bash
# Package:   requests_oauth2client 1.8.0 (Python package), DPoP tokens; requests 2.34.2
# Behaviour: A server may hand out the next nonce with each response (RFC 9449 section 8.2). The client reads it only
#            from an error, so at a token endpoint that does so each refresh is refused once and sent twice. Five
#            threads use one token while the API changes its nonce: the first that is refused notes the new nonce and
#            sends again. The four others find that nonce noted already, and raise RepeatedDPoPNonce instead of sending
#            again with it. A 401 because the access token is over raises MissingDPoPNonce.
# Matters:   The failed calls are lost through a change that the server makes every few minutes. Whoever waits for a
#            401 to refresh never sees one: catch both exceptions around each call, and refresh or send again there.
# Guess:     The nonce of a 200 is used next. (The source was read after that guess; what the five threads and the 401
#            do was known from it before it was run.)
# Seen:      each refresh: 400, then 200 / five threads: one 200, four RepeatedDPoPNonce / token over: MissingDPoPNonce
# Duration:  seconds without install.
set -euo pipefail
T=$(mktemp -d); trap 'rm -rf "$T"' EXIT; cd "$T"
python3 -m venv v && v/bin/pip -q install requests_oauth2client==1.8.0 requests==2.34.2
cat > t.py <<'P'
import base64, collections, http.server, json, os, threading, time
for k in list(os.environ):
    if k.lower().endswith("_proxy"): del os.environ[k]
import requests
from requests_oauth2client import ClientSecretPost, DPoPKey, DPoPToken, OAuth2Client

class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True
    def handle_error(self, *a): pass
state = {"nonce": "n1", "over": False}
together = threading.Barrier(5)
seen = []
class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    def log_message(self, *a): pass
    def answer(self, status, body, headers):
        data = json.dumps(body).encode()
        self.send_response(status)
        for name, value in ({"Content-Type": "application/json", "Content-Length": str(len(data))} | headers).items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(data)
    def nonce(self):
        part = self.headers["DPoP"].split(".")[1]
        return json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))).get("nonce")
    def do_POST(self):  # the token endpoint: a new nonce with each good response
        self.rfile.read(int(self.headers["Content-Length"]))
        good = self.nonce() == state["nonce"]
        if good: state["nonce"] = f"n{int(state['nonce'][1:]) + 1}"
        seen.append(f"{self.nonce()}: {200 if good else 400}")
        body = {"access_token": "a", "refresh_token": "r1", "token_type": "DPoP", "expires_in": 60} if good else {"error": "use_dpop_nonce"}
        self.answer(200 if good else 400, body, {"DPoP-Nonce": state["nonce"]})
    def do_GET(self):  # the API
        nonce = self.nonce()
        if nonce == "old": time.sleep(together.wait(20) / 5)  # all five are sent before the first is answered
        seen.append(nonce)
        if state["over"]: return self.answer(401, {}, {"WWW-Authenticate": 'DPoP error="invalid_token"'})
        if nonce != "new": return self.answer(401, {}, {"DPoP-Nonce": "new", "WWW-Authenticate": 'DPoP error="use_dpop_nonce"'})
        self.answer(200, {}, {})
srv = Server(("127.0.0.1", 0), Handler)
threading.Thread(target=srv.serve_forever, daemon=True).start()
url = f"http://127.0.0.1:{srv.server_port}"

token = DPoPToken(access_token="a", refresh_token="r1", token_type="DPoP", _dpop_key=DPoPKey.generate())
client = OAuth2Client(token_endpoint=url + "/token", auth=ClientSecretPost("c", "s"), testing=True)
for n in (1, 2, 3):
    token = client.refresh_token(token)
    print(f"refresh {n}: nonces sent {', '.join(seen)}")
    seen.clear()

def call(token, results):
    try: results.append(str(requests.get(url + "/api", auth=token).status_code))
    except Exception as e: results.append(type(e).__name__)
token = DPoPToken(access_token="a", token_type="DPoP", _dpop_key=DPoPKey.generate(rs_nonce="old"))
results = []
threads = [threading.Thread(target=call, args=(token, results)) for _ in range(5)]
for thread in threads: thread.start()
for thread in threads: thread.join()
print("five threads:", dict(sorted(collections.Counter(results).items())), "nonces sent", dict(sorted(collections.Counter(seen).items())))
results = []
call(token, results)
print("one call after that:", *results)
state["over"] = True
results = []
call(token, results)
print("access token over:", *results)
P
v/bin/python t.py | tee seen
diff - seen <<'P'
refresh 1: nonces sent None: 400, n1: 200
refresh 2: nonces sent n1: 400, n2: 200
refresh 3: nonces sent n2: 400, n3: 200
five threads: {'200': 1, 'RepeatedDPoPNonce': 4} nonces sent {'new': 1, 'old': 5}
one call after that: 200
access token over: MissingDPoPNonce
P
echo "as expected"

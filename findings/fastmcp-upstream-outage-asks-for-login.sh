#!/bin/bash
# Package:   fastmcp 4.1.6 with mcp 2.3.0 (Python package): a server with OAuthProxy, and fastmcp's own Client with OAuth
# Behaviour: The client refreshes at the proxy, the proxy refreshes at the upstream. When the upstream answers 503
#            or 429, the proxy answers 500 with the text "Internal Server Error", no OAuth error; when it
#            answers 400 invalid_grant, the proxy answers 401. For fastmcp's client the 500 is as good
#            as a refusal: it asks the user to log in. The refresh token it held is still good:
#            sent again by hand it refreshes. (After a 200 it is spent, so there the second answer is 401.)
# Matters:   One 503 behind the proxy becomes a browser window in front of the user, and a stop for an
#            agent without one. A client that looks for invalid_grant has to look into a 401 as well.
#            Retry a 500 of such a proxy before asking for anything.
# Guess:     The proxy passes the 503 on as 400 invalid_grant; a 500 is an error for the client's caller, no login.
# Seen:      503, 429: 500 as text, login asked for / 400: 401 invalid_grant, login asked for
# Duration:  about 25 seconds without install.
set -euo pipefail
T=$(mktemp -d); trap 'rm -rf "$T"' EXIT; cd "$T"
python3 -m venv v && v/bin/pip -q install fastmcp==4.1.6 mcp==2.3.0
cat > t.py <<'P'
import asyncio, base64, hashlib, http.server, json, logging, os, secrets, socket, sys, threading, time, warnings
from urllib.parse import parse_qsl, urlparse
logging.disable(logging.CRITICAL)
warnings.simplefilter("ignore")
import httpx2, uvicorn
from fastmcp import Client, FastMCP
from fastmcp.client.auth import OAuth
from fastmcp.server.auth import AccessToken, TokenVerifier
from fastmcp.server.auth.oauth_proxy import OAuthProxy
from mcp.client.auth.oauth2 import AuthorizationCodeResult

state, logins = {"mode": 200}, []
class Upstream(http.server.BaseHTTPRequestHandler):
    def log_message(self, *a): pass
    def do_POST(self):
        form = dict(parse_qsl(self.rfile.read(int(self.headers["Content-Length"])).decode()))
        status = state["mode"] if form["grant_type"] == "refresh_token" else 200
        body = {"error": "invalid_grant" if status == 400 else "temporarily_unavailable"}
        if status == 200: body = {"access_token": "a1", "refresh_token": "r1", "token_type": "Bearer", "expires_in": 2, "scope": "x"}
        data = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)
upstream = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Upstream)
threading.Thread(target=upstream.serve_forever, daemon=True).start()
up = f"http://127.0.0.1:{upstream.server_port}"

class Verifier(TokenVerifier):
    async def verify_token(self, token):
        return AccessToken(token=token, client_id="c", scopes=["x"], expires_at=int(time.time()) + 3600)

listener = socket.create_server(("127.0.0.1", 0))
base = f"http://127.0.0.1:{listener.getsockname()[1]}"
mcp = FastMCP("x", auth=OAuthProxy(
    upstream_authorization_endpoint=up + "/authorize", upstream_token_endpoint=up + "/token", upstream_client_id="c", upstream_client_secret="s",
    token_verifier=Verifier(required_scopes=["x"]), base_url=base, jwt_signing_key="x" * 32, require_authorization_consent=False, valid_scopes=["x"]))
@mcp.tool
def hello() -> str: return "hello"
threading.Thread(target=uvicorn.Server(uvicorn.Config(mcp.http_app(), log_level="critical", timeout_keep_alive=60)).run, kwargs={"sockets": [listener]}, daemon=True).start()

query = lambda response: dict(parse_qsl(urlparse(response.headers["location"]).query))
def browser(url):
    """What the user's browser would do: log in at the upstream and follow it back to the proxy."""
    with httpx2.Client(trust_env=False) as c:
        return query(c.get(base + "/auth/callback", params={"code": "x", "state": query(c.get(url))["state"]}))

class Login(OAuth):
    async def redirect_handler(self, authorization_url):
        logins.append(1)
        self.result = await asyncio.to_thread(browser, authorization_url)
    async def callback_handler(self):
        return AuthorizationCodeResult(code=self.result["code"], state=self.result["state"], iss=self.result.get("iss"))

def by_hand(mode):
    callback, verifier = "http://127.0.0.1/callback", secrets.token_urlsafe(40)
    with httpx2.Client(base_url=base, trust_env=False) as c:
        client = c.post("/register", json={"redirect_uris": [callback], "grant_types": ["authorization_code", "refresh_token"],
                                           "token_endpoint_auth_method": "none", "scope": "x"}).json()["client_id"]
        challenge = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()
        url = httpx2.URL(base + "/authorize", params={"response_type": "code", "client_id": client, "redirect_uri": callback, "state": "s", "scope": "x",
                                                     "code_challenge": challenge, "code_challenge_method": "S256"})
        token = c.post("/token", data={"grant_type": "authorization_code", "code": browser(url)["code"], "redirect_uri": callback,
                                       "client_id": client, "code_verifier": verifier}).json()["refresh_token"]
        refresh = lambda: c.post("/token", data={"grant_type": "refresh_token", "refresh_token": token, "client_id": client})
        state["mode"] = mode
        r = refresh()
        state["mode"] = 200
        return f"{r.status_code} {r.json().get('error', 'tokens') if 'json' in r.headers['content-type'] else r.text}, then {refresh().status_code}"

async def main():
    for _ in range(100):
        try: socket.create_connection(listener.getsockname()).close(); break
        except OSError: await asyncio.sleep(0.1)
    for mode in (200, 503, 429, 400):
        proxy = await asyncio.to_thread(by_hand, mode)
        for _ in range(5):  # a connection that is reset now and then ends the client; a new one is started
            state["mode"] = 200
            logins.clear()
            try:
                client = await Client(base + "/mcp", auth=Login(base + "/mcp", scopes=["x"])).__aenter__()
                await client.call_tool("hello")
                before = len(logins)
                await asyncio.sleep(3.5)
                state["mode"] = mode
                result = (await client.call_tool("hello")).data
                break
            except Exception as e:
                print(type(e).__name__, e, file=sys.stderr)
        state["mode"] = 200
        print(f"upstream {mode}: proxy answers the refresh {proxy}; fastmcp client: {result}, logins {before} + {len(logins) - before}", flush=True)
    os._exit(0)
asyncio.run(main())
P
HOME="$T" XDG_DATA_HOME="$T" v/bin/python t.py 2>log | tee seen || { cat log; exit 1; }
diff - seen <<'P' || { cat log; exit 1; }
upstream 200: proxy answers the refresh 200 tokens, then 401; fastmcp client: hello, logins 1 + 0
upstream 503: proxy answers the refresh 500 Internal Server Error, then 200; fastmcp client: hello, logins 1 + 1
upstream 429: proxy answers the refresh 500 Internal Server Error, then 200; fastmcp client: hello, logins 1 + 1
upstream 400: proxy answers the refresh 401 invalid_grant, then 200; fastmcp client: hello, logins 1 + 1
P
echo "as expected"

#!/bin/bash
# Package:   mcp 2.3.0 (PyPI), OAuthClientProvider as the auth of its HTTP client (httpx2 2.16.2)
# Behaviour: The provider refreshes only when it has itself counted down the expires_in of a token it
#            received. A 401 never makes it refresh: it goes straight to a new login. After a
#            restart the expiry of the stored token is unknown, and so it is for a token without
#            expires_in. In both cases the good refresh token in the store is not sent.
# Matters:   A program that starts once an hour asks the user to log in each time, with a refresh
#            token that is good for months beside it. The TypeScript client of the same protocol
#            refreshes on 401. Whoever starts this one must set context.token_expiry_time first.
# Guess:     The old access token gets 401, the refresh token is sent, and the request is repeated.
# Seen:      running, expires_in over: refreshed; restarted: login; no expires_in: login;
#            running, 401 before the expiry: login. The refresh token was sent in the first case only
# Duration:  seconds without install.
set -euo pipefail
T=$(mktemp -d); trap 'rm -rf "$T"' EXIT; cd "$T"
python3 -m venv v && v/bin/pip -q install mcp==2.3.0 httpx2==2.16.2
cat > t.py <<'P'
import asyncio, http.server, json, logging, threading, time, urllib.parse
import httpx2
from mcp.client.auth import OAuthClientProvider
from mcp.shared.auth import OAuthClientInformationFull, OAuthClientMetadata, OAuthToken
logging.disable(logging.CRITICAL)

class Login(Exception):
    pass

async def case(name, lifetime, restart, over):
    sent, known = [], {"a1"}
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
            if self.path.startswith("/.well-known/oauth-protected-resource"):
                self.answer(200, {"resource": url + "/mcp", "authorization_servers": [url]})
            elif self.path.startswith("/.well-known/oauth-authorization-server"):
                self.answer(200, {"issuer": url, "authorization_endpoint": url + "/authorize", "token_endpoint": url + "/token",
                                  "response_types_supported": ["code"], "grant_types_supported": ["authorization_code", "refresh_token"],
                                  "code_challenge_methods_supported": ["S256"], "token_endpoint_auth_methods_supported": ["none"]})
            else:
                self.answer(404, {})
        def do_POST(self):
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0)).decode()
            if self.path == "/token":
                sent.append(dict(urllib.parse.parse_qsl(body)).get("refresh_token"))
                known.add("a2")
                self.answer(200, {"access_token": "a2", "refresh_token": "r2", "token_type": "Bearer", "expires_in": 3600})
            else:
                self.answer(200 if (self.headers.get("Authorization") or "")[7:] in known else 401, {})
    srv = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=srv.serve_forever, daemon=True).start()
    url = f"http://127.0.0.1:{srv.server_port}"
    class Store:
        token = OAuthToken(access_token="a1", refresh_token="r1", token_type="Bearer", expires_in=lifetime)
        async def get_tokens(self): return self.token
        async def set_tokens(self, token): self.token = token
        async def get_client_info(self): return OAuthClientInformationFull(client_id="c", redirect_uris=["http://127.0.0.1/cb"])
        async def set_client_info(self, info): pass
    async def redirect(where): raise Login()
    async def callback(): raise Login()
    store = Store()
    def provider():
        return OAuthClientProvider(server_url=url + "/mcp", storage=store, redirect_handler=redirect, callback_handler=callback,
                                   client_metadata=OAuthClientMetadata(redirect_uris=["http://127.0.0.1/cb"], client_name="c"))
    first = provider()
    async with httpx2.AsyncClient(auth=first) as client:
        await client.post(url + "/mcp", json={})
        known.clear()
        if over:
            first.context.token_expiry_time = time.time() - 10
        if restart:
            client.auth = provider()
        try:
            result = (await client.post(url + "/mcp", json={})).status_code
        except Login:
            result = "login asked for"
    print(f"{name}: {result}; refresh tokens sent: {' '.join(sent) or 'none'}; stored refresh token: {store.token.refresh_token}")
    srv.shutdown()

async def main():
    await case("running, expires_in over", 3600, False, True)
    await case("restarted after expires_in", 3600, True, False)
    await case("running, no expires_in", None, False, False)
    await case("running, 401 before expires_in is over", 3600, False, False)
asyncio.run(main())
P
v/bin/python t.py | tee seen
diff - seen <<'P'
running, expires_in over: 200; refresh tokens sent: r1; stored refresh token: r2
restarted after expires_in: login asked for; refresh tokens sent: none; stored refresh token: r1
running, no expires_in: login asked for; refresh tokens sent: none; stored refresh token: r1
running, 401 before expires_in is over: login asked for; refresh tokens sent: none; stored refresh token: r1
P
echo "as expected"

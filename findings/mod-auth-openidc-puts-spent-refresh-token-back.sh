#!/bin/bash
# Package:   libapache2-mod-auth-openidc 2.4.12.3-2+deb12u5, apache2-bin 2.4.71-1~deb12u1 (Debian 12),
#            OIDCRefreshAccessTokenBeforeExpiry, sessions in the server's cache
# Behaviour: Ten requests of one session arrive together when the access token is about to expire. Each of
#            them sends the same refresh token: ten refreshes. The server rotates, so one succeeds.
#            The other nine log an error and reach the backend with the old access token. If the requests
#            also have to save the session, because a tenth of OIDCSessionInactivityTimeout has passed,
#            a loser's copy is saved last: the spent r1 is back, and r2 is lost.
# Matters:   The default timeout is 300 s, so half a minute without a request is enough. A page that loads
#            ten things after that ends the login at a server with single-use refresh tokens, and is
#            a replay to it. Refresh behind one request, or with one request at a time.
# Guess:     One refresh, and all ten requests get the new token. (That r1 comes back was expected once
#            the ten refreshes had been seen.)
# Seen:      10 sends of r1; backend got a2 once, a1 nine times. Next refresh sends r2 when the session
#            was not saved otherwise, and r1 when it was
# Duration:  half a minute without install. Needs Debian 12's package lists (apt-get update), libcurl4 and openssl.
set -euo pipefail
T=$(mktemp -d); trap 'rm -rf "$T"' EXIT; cd "$T"; chmod 755 .
apt-get -q download libapache2-mod-auth-openidc=2.4.12.3-2+deb12u5 apache2-bin=2.4.71-1~deb12u1 \
  libapr1 libaprutil1 libcjose0 libhiredis0.14 libjansson4 >/dev/null
for deb in *.deb; do dpkg -x "$deb" root; done
openssl req -x509 -newkey rsa:2048 -nodes -keyout key.pem -out cert.pem -days 2 -subj /CN=127.0.0.1 2>/dev/null
cat > t.py <<'P'
import base64, hashlib, hmac, http.server, json, os, socket, ssl, subprocess, sys, threading, time
import urllib.error, urllib.parse, urllib.request
secret, here = "0123456789abcdef0123456789abcdef", os.getcwd()
part = lambda b: base64.urlsafe_b64encode(b).rstrip(b"=").decode()

def id_token(claims):
    text = part(b'{"alg":"HS256"}') + "." + part(json.dumps(claims).encode())
    return text + "." + part(hmac.new(secret.encode(), text.encode(), hashlib.sha256).digest())

class Server(http.server.ThreadingHTTPServer):
    daemon_threads, request_queue_size = True, 100
    def __init__(self, handler, tls=None):
        super().__init__(("127.0.0.1", 0), handler)
        if tls: self.socket = tls.wrap_socket(self.socket, server_side=True, do_handshake_on_connect=False)
        threading.Thread(target=self.serve_forever, daemon=True).start()
    def handle_error(self, *a): pass

class Handler(http.server.BaseHTTPRequestHandler):
    def log_message(self, *a): pass
    def answer(self, status, body):
        data = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

class Backend(Handler):
    def do_GET(self): self.answer(200, self.headers["OIDC_access_token"])

class Provider(Handler):
    def do_POST(self):
        form = dict(urllib.parse.parse_qsl(self.rfile.read(int(self.headers["Content-Length"])).decode()))
        tokens = lambda: {"access_token": f"a{state['n']}", "refresh_token": f"r{state['n']}", "token_type": "Bearer", "expires_in": 5}
        if form["grant_type"] == "refresh_token":
            time.sleep(1.5)
            with lock:
                sent.append(form["refresh_token"])
                good = sent[-1] == f"r{state['n']}"
                state["n"] += good
                if good: return self.answer(200, tokens())
            time.sleep(0.5)
            return self.answer(400, {"error": "invalid_grant"})
        now = int(time.time())
        self.answer(200, {**tokens(), "id_token": id_token({"iss": url, "sub": "u", "aud": "c", "iat": now, "exp": now + 3600, "nonce": state["nonce"]})})

state, sent, lock = {}, [], threading.Lock()
tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
tls.load_cert_chain("cert.pem", "key.pem")
url = f"https://127.0.0.1:{Server(Provider, tls).server_port}"
backend = Server(Backend).server_port
with socket.create_server(("127.0.0.1", 0)) as s: port = s.getsockname()[1]
modules = f"{here}/root/usr/lib/apache2/modules"

def apache(inactivity):
    os.makedirs(f"run{inactivity}")
    with open(f"run{inactivity}/conf", "w") as f:
        for m in ("mpm_event", "authn_core", "authz_core", "authz_user", "proxy", "proxy_http", "auth_openidc"):
            print(f"LoadModule {m}_module {modules}/mod_{m}.so", file=f)
        print(f"""
ServerRoot {here}/run{inactivity}
ServerName 127.0.0.1
Listen 127.0.0.1:{port}
User nobody
Group nogroup
PidFile pid
ErrorLog log
Mutex file:{here}/run{inactivity} default
OIDCProviderIssuer {url}
OIDCProviderAuthorizationEndpoint {url}/authorize
OIDCProviderTokenEndpoint {url}/token
OIDCProviderTokenEndpointAuth client_secret_post
OIDCClientID c
OIDCClientSecret {secret}
OIDCIDTokenSignedResponseAlg HS256
OIDCSSLValidateServer Off
OIDCRedirectURI http://127.0.0.1:{port}/api/callback
OIDCCryptoPassphrase x
OIDCRefreshAccessTokenBeforeExpiry 2
OIDCSessionInactivityTimeout {inactivity}
<Location /api>
AuthType openid-connect
Require valid-user
</Location>
ProxyPass /api http://127.0.0.1:{backend}/api""", file=f)
    return subprocess.Popen([f"{here}/root/usr/sbin/apache2", "-f", f"{here}/run{inactivity}/conf", "-DFOREGROUND"],
                            env={**os.environ, "LD_LIBRARY_PATH": f"{here}/root/usr/lib/x86_64-linux-gnu"}, stderr=subprocess.DEVNULL)

class NoRedirect(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *a): return None
opener = urllib.request.build_opener(urllib.request.ProxyHandler({}), NoRedirect)

def get(path, cookie=""):
    request = urllib.request.Request(f"http://127.0.0.1:{port}{path}", headers={"Accept": "text/html", "Cookie": cookie})
    try: answer = opener.open(request, timeout=20)
    except urllib.error.HTTPError as e: answer = e
    return answer.headers, answer.read()

def login():
    state["n"] = 1
    headers, _ = get("/api/")
    query = dict(urllib.parse.parse_qsl(urllib.parse.urlparse(headers["Location"]).query))
    state["nonce"] = query["nonce"]
    headers, _ = get(f"/api/callback?code=x&state={query['state']}", headers["Set-Cookie"].split(";")[0])
    return [c.split(";")[0] for c in headers.get_all("Set-Cookie") if c.startswith("mod_auth_openidc_session")][0]

for inactivity in (3600, 20):
    process = apache(inactivity)
    try:
        for _ in range(100):
            try: get("/"); break
            except OSError: time.sleep(0.1)
        cookie = login()
        call = lambda: json.loads(get("/api/", cookie)[1])
        assert call() == "a1" and not sent
        time.sleep(4)
        got = []
        threads = [threading.Thread(target=lambda: got.append(call())) for _ in range(10)]
        for t in threads: t.start()
        for t in threads: t.join()
        print(f"inactivity timeout {inactivity}: sent {len(sent)} times {' '.join(sorted(set(sent)))};",
              f"backend got a1 {got.count('a1')} times, a2 {got.count('a2')} times;", end=" ")
        sent.clear()
        time.sleep(4)
        token = call()
        print(f"next refresh sends {' '.join(sent)}, backend gets {token}")
        sent.clear()
    finally:
        process.terminate()
        process.wait()
P
python3 t.py | tee seen
diff - seen <<'P'
inactivity timeout 3600: sent 10 times r1; backend got a1 9 times, a2 1 times; next refresh sends r2, backend gets a3
inactivity timeout 20: sent 10 times r1; backend got a1 9 times, a2 1 times; next refresh sends r1, backend gets a1
P
echo "as expected"

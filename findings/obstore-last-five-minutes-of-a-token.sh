#!/bin/bash
# Package:   obstore 0.12.1 (Python package; the Rust crate object_store), AzureStore with a client secret and
#            authority_host
# Behaviour: A token is never used in its last five minutes, save for a tenth of a second. From an authority whose
#            tokens live for 200 seconds each request fetches a new one. When the authority answers 503 while a token
#            is in its last five minutes, each request fails after the retries, though the token is good and the
#            storage would take it. Retry-After is not obeyed: 429 with 30 s is asked again at once. A response without
#            expires_in is an error and asked for again by each request.
# Matters:   Five minutes is a common lifetime, so the cache is off and nobody is told; the limits of the token
#            endpoint are. An outage is felt up to five minutes early. Take longer tokens, or hand obstore a credential
#            provider of your own that keeps them.
# Guess:     200 seconds: one token for all requests. 503 with time left: the old token. Without expires_in: it works.
# Seen:      200 s: 4 requests, 4 tokens / 400 s: 1 token / 503 with over four minutes left: error, 6 sends
# Duration:  about 20 seconds without install.
set -euo pipefail
T=$(mktemp -d); trap 'rm -rf "$T"' EXIT; cd "$T"
python3 -m venv v && v/bin/pip -q install obstore==0.12.1
cat > t.py <<'P'
import http.server, json, os, threading, time
for k in list(os.environ):
    if k.lower().endswith("_proxy") or k.startswith("AZURE"): del os.environ[k]
import obstore
from obstore.store import AzureStore

def run(label, respond, calls=4, pause=0.5):
    tokens, used = [], []
    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        def log_message(self, *a): pass
        def answer(self, status, body, headers={}):
            self.send_response(status)
            for name, value in ({"Content-Length": str(len(body))} | headers).items(): self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body.encode())
        def do_POST(self):  # the authority
            self.rfile.read(int(self.headers["Content-Length"]))
            tokens.append(time.monotonic())
            n = len(tokens)
            answer = respond(n)
            if not isinstance(answer, dict): return self.answer(*answer)
            self.answer(200, json.dumps({"access_token": f"a{n}", "token_type": "Bearer", **answer}), {"Content-Type": "application/json"})
        def do_GET(self):  # the storage
            used.append(self.headers["Authorization"].removeprefix("Bearer "))
            self.answer(200, "data", {"Last-Modified": "Wed, 01 Jan 2025 00:00:00 GMT", "ETag": '"x"'})
    srv = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=srv.serve_forever, daemon=True).start()
    url = f"http://127.0.0.1:{srv.server_port}"
    store = AzureStore("container", account_name="account", endpoint=f"{url}/account", authority_host=url, tenant_id="t", client_id="c",
                       client_secret="s", client_options={"allow_http": True}, retry_config={"max_retries": 5})
    results = []
    for n in range(calls):
        if n: time.sleep(pause)
        try: results.append(bytes(obstore.get(store, "x").bytes()).decode())
        except Exception: results.append("error")
    print(f"{label}: {' '.join(results)}; tokens asked for {len(tokens)}, used {' '.join(used) or '-'}")
    return tokens

run("expires_in 400", lambda n: {"expires_in": 400})
run("expires_in 200", lambda n: {"expires_in": 200})
run("expires_in 302, then 503", lambda n: {"expires_in": 302} if n == 1 else (503, "down"), calls=2, pause=5)
run("no expires_in", lambda n: {})
times = run("429 with Retry-After 30", lambda n: (429, "slow", {"Retry-After": "30"}) if n == 1 else {"expires_in": 3600}, calls=1)
print("asked again within 5 seconds:", times[1] - times[0] < 5)
P
v/bin/python t.py | tee seen
diff - seen <<'P'
expires_in 400: data data data data; tokens asked for 1, used a1 a1 a1 a1
expires_in 200: data data data data; tokens asked for 4, used a1 a2 a3 a4
expires_in 302, then 503: data error; tokens asked for 7, used a1
no expires_in: error error error error; tokens asked for 4, used -
429 with Retry-After 30: data; tokens asked for 2, used a2
asked again within 5 seconds: True
P
echo "as expected"

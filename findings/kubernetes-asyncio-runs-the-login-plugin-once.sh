#!/bin/bash
# Package:   kubernetes_asyncio 36.1.0 and, for comparison, kubernetes 37.0.2 (Python packages); a kubeconfig whose
#            user is a login plugin (exec), as cloud command-line tools and kubelogin write it
# Behaviour: The plugin gives a token and an expirationTimestamp. kubernetes runs it again from five minutes before
#            that time on. kubernetes_asyncio runs it once, when the file is loaded, and never looks at the time: from
#            the expiry on each call gets 401. Its helper refresh_token() has to be started as a task. With its default
#            argument it raises NotImplementedError in that task, where nobody sees it; with the configuration it runs
#            the plugin at each interval, needed or not, and no earlier after a 401.
# Matters:   Such tokens live for a quarter of an hour or an hour, so a test passes and the service fails later, until
#            it is restarted. Start the helper with the configuration and an interval below the lifetime, and keep the
#            task's exception from being lost: one failure of the plugin ends it.
# Guess:     Both run the plugin again after the expiry; so does the helper, called with the loader alone.
# Seen:      kubernetes: ok, plugin run again / kubernetes_asyncio: 401, once / helper: NotImplementedError
# Duration:  about 40 seconds without install.
set -euo pipefail
T=$(mktemp -d); trap 'rm -rf "$T"' EXIT; cd "$T"
python3 -m venv v && v/bin/pip -q install kubernetes_asyncio==36.1.0 kubernetes==37.0.2
cat > plugin <<'P'
#!/usr/bin/env python3
import datetime, json
with open("runs", "a") as f: f.write("x")
end = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(seconds=8)
print(json.dumps({"apiVersion": "client.authentication.k8s.io/v1", "kind": "ExecCredential", "status": {
    "token": f"{end.timestamp():.0f}", "expirationTimestamp": end.strftime("%Y-%m-%dT%H:%M:%SZ")}}))
P
chmod +x plugin
cat > t.py <<'P'
import asyncio, http.server, json, os, threading, time
for k in list(os.environ):
    if k.lower().endswith("_proxy"): del os.environ[k]
import kubernetes, kubernetes_asyncio

class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    def log_message(self, *a): pass
    def do_GET(self):  # each token is good until the second that it names
        good = float(self.headers["Authorization"].split()[1]) > time.time()
        body = json.dumps({"kind": "PodList", "apiVersion": "v1", "metadata": {}, "items": []} if good else {"kind": "Status", "code": 401}).encode()
        self.send_response(200 if good else 401)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
srv = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
threading.Thread(target=srv.serve_forever, daemon=True).start()
with open("config", "w") as f:
    json.dump({"apiVersion": "v1", "kind": "Config", "current-context": "x", "contexts": [{"name": "x", "context": {"cluster": "c", "user": "u"}}],
               "clusters": [{"name": "c", "cluster": {"server": f"http://127.0.0.1:{srv.server_port}"}}],
               "users": [{"name": "u", "user": {"exec": {"apiVersion": "client.authentication.k8s.io/v1", "command": os.path.abspath("plugin"), "interactiveMode": "Never"}}}]}, f)

def report(label, before, after):
    again = len(open("runs").read()) > 1
    print(f"{label}: {before}; after the expiry {after}; the plugin was run {'again' if again else 'once'}")
    os.remove("runs")
def result(e): return e.status if hasattr(e, "status") else type(e).__name__

def call():
    try: kubernetes.client.CoreV1Api().list_namespaced_pod("default"); return "ok"
    except Exception as e: return result(e)
kubernetes.config.load_kube_config("config")
before = call()
time.sleep(9)
report("kubernetes", before, call())

async def main(label, helper=None):
    configuration = kubernetes_asyncio.client.Configuration()
    loader = await kubernetes_asyncio.config.load_kube_config("config", client_configuration=configuration)
    task = helper and asyncio.create_task(helper(loader, configuration))
    async with kubernetes_asyncio.client.ApiClient(configuration) as client:
        api = kubernetes_asyncio.client.CoreV1Api(client)
        async def call():
            try: await api.list_namespaced_pod("default"); return "ok"
            except Exception as e: return result(e)
        before = await call()
        await asyncio.sleep(9)
        after = f"{await call()}, {await call()}"
        if task: after += f", helper {'ended with ' + type(task.exception()).__name__ if task.done() else 'runs'}"
        report(label, before, after)
    if task: task.cancel()
helper = kubernetes_asyncio.config.refresh_token
asyncio.run(main("kubernetes_asyncio"))
asyncio.run(main("kubernetes_asyncio, helper with the loader", lambda loader, configuration: helper(loader, interval=2)))
asyncio.run(main("kubernetes_asyncio, helper with the configuration", lambda loader, configuration: helper(loader, configuration, interval=2)))
P
v/bin/python t.py | tee seen
diff - seen <<'P'
kubernetes: ok; after the expiry ok; the plugin was run again
kubernetes_asyncio: ok; after the expiry 401, 401; the plugin was run once
kubernetes_asyncio, helper with the loader: ok; after the expiry 401, 401, helper ended with NotImplementedError; the plugin was run once
kubernetes_asyncio, helper with the configuration: ok; after the expiry ok, ok, helper runs; the plugin was run again
P
echo "as expected"

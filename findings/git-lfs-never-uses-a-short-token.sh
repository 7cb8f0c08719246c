#!/bin/bash
# Package:   git-lfs 3.3.0-1+deb12u2 (Debian 12), git, a loopback server with the batch API and the "basic" transfer
# Behaviour: The batch answer gives each object a token and may say how long it is good (expires_in, expires_at). A
#            token with less than five seconds left is never sent. git-lfs asks for a batch nine times or more in 36 seconds,
#            has a good token each time, fetches nothing, and fails with 'action "download" expires at'. The same if
#            this machine's clock is ahead and the server names the time. If the answer names no time, the same tokens
#            are used, and the 401 of an expired one leads to one more batch, and all objects come. So does any other
#            refusal by the storage (403, 503); a single 503 to the batch request itself is final.
# Matters:   Who hands out tokens for single objects and lets them live for seconds, or signs for a clock that is off,
#            is better served by saying nothing of the expiry. Several seconds of clock skew look like an expired
#            login, and no request to the storage shows up in its log.
# Guess:     expires_in 2: the token is used, then renewed. 401 of the storage: the credential helper is asked, error.
# Seen:      expires_in 4: 9 batches, 0 sends, error / expires_in 20: all fetched / no time: all fetched, 401s on the way
# Duration:  about 45 seconds without install. Needs git and Debian 12's package lists (apt-get update).
set -euo pipefail
T=$(mktemp -d); trap 'rm -rf "$T"' EXIT; cd "$T"
apt-get -q download git-lfs=3.3.0-1+deb12u2 >/dev/null 2>&1
dpkg -x git-lfs_*.deb root
cat > t.py <<'P'
import hashlib, http.server, json, os, subprocess, threading, time
objects = {hashlib.sha256(data).hexdigest(): data for data in (f"object {n}\n".encode() for n in range(3))}
utc = lambda seconds: time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + seconds))

def run(label, life, said, refusal=None, batch_refusal=None):
    count, ends = {"batch": 0, "sent": 0, "refused": 0}, {}
    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        def log_message(self, *a): pass
        def answer(self, status, body):
            self.send_response(status)
            self.send_header("Content-Type", "application/vnd.git-lfs+json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)
        def do_POST(self):
            request = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            count["batch"] += 1
            if batch_refusal and count["batch"] == 1: return self.answer(batch_refusal, b'{"message": "down"}')
            token = f"a{count['batch']}"
            ends[token] = time.time() + life
            action = {"header": {"Authorization": f"Bearer {token}"}, **said()}
            self.answer(200, json.dumps({"transfer": "basic", "objects": [
                {"oid": o["oid"], "size": o["size"], "authenticated": True,
                 "actions": {"download": {"href": f"http://127.0.0.1:{self.server.server_port}/{o['oid']}", **action}}}
                for o in request["objects"]]}).encode())
        def do_GET(self):
            count["sent"] += 1
            status = 200 if ends[self.headers["Authorization"].removeprefix("Bearer ")] > time.time() else 401
            if refusal and count["sent"] == 1: status = refusal
            if status == 200: time.sleep(1.2)
            else: count["refused"] += 1
            self.answer(status, objects[self.path[1:]] if status == 200 else b"{}")
    srv = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=srv.serve_forever, daemon=True).start()
    folder = f"{os.getcwd()}/{label.replace(' ', '-')}"
    os.makedirs(f"{folder}/home")
    env = {k: v for k, v in os.environ.items() if not k.lower().endswith("_proxy") and not k.startswith("GIT_")}
    env |= {"PATH": f"{os.getcwd()}/root/usr/bin:{env['PATH']}", "HOME": f"{folder}/home", "GIT_CONFIG_NOSYSTEM": "1", "GIT_TERMINAL_PROMPT": "0"}
    def git(*a): return subprocess.run(["git", *a], cwd=folder, env=env, capture_output=True, text=True, timeout=120)
    url = f"http://127.0.0.1:{srv.server_port}"
    git("init", "-q")
    for name, value in (("user.email", "a@example.org"), ("user.name", "A"), ("lfs.url", f"{url}/lfs"), ("remote.origin.url", f"{url}/x"), ("lfs.concurrenttransfers", "1")):
        git("config", name, value)
    with open(f"{folder}/.gitattributes", "w") as f: f.write("*.bin filter=lfs -text\n")
    git("lfs", "install", "--local")
    for n, data in enumerate(objects.values()):
        with open(f"{folder}/{n}.bin", "wb") as f: f.write(data)
    git("add", ".")
    git("commit", "-qm", "x")
    for oid in objects: os.remove(f"{folder}/.git/lfs/objects/{oid[:2]}/{oid[2:4]}/{oid}")
    ended = git("lfs", "fetch")
    fetched = sum(os.path.exists(f"{folder}/.git/lfs/objects/{oid[:2]}/{oid[2:4]}/{oid}") for oid in objects)
    why = "; it says 'expires at'" if 'action "download" expires at' in ended.stderr else ""
    asked = "" if not ended.returncode else f"; batches {count['batch'] if count['batch'] < 8 else 'many'}, sends {count['sent']}"
    refused = f"; {'some were' if count['refused'] else 'nothing'} refused on the way" if not ended.returncode else ""
    lines[label] = f"{label}: {fetched} of {len(objects)} fetched, {'error' if ended.returncode else 'ok'}{asked}{refused}{why}"

lines, threads = {}, []
for case in (("expires_in 4", 4, lambda: {"expires_in": 4}), ("clock ahead", 3600, lambda: {"expires_at": utc(-10)}),
             ("expires_in 20", 20, lambda: {"expires_in": 20}), ("no time named", 2, lambda: {}),
             ("storage 403 once", 60, lambda: {}, 403), ("storage 503 once", 60, lambda: {}, 503), ("batch 503 once", 60, lambda: {}, None, 503)):
    lines[case[0]] = "did not end"
    threads.append(threading.Thread(target=run, args=case))
    threads[-1].start()
for t in threads: t.join()
print("\n".join(lines.values()))
P
python3 t.py | tee seen
diff - seen <<'P'
expires_in 4: 0 of 3 fetched, error; batches many, sends 0; it says 'expires at'
clock ahead: 0 of 3 fetched, error; batches many, sends 0; it says 'expires at'
expires_in 20: 3 of 3 fetched, ok; nothing refused on the way
no time named: 3 of 3 fetched, ok; some were refused on the way
storage 403 once: 3 of 3 fetched, ok; some were refused on the way
storage 503 once: 3 of 3 fetched, ok; some were refused on the way
batch 503 once: 0 of 3 fetched, error; batches 1, sends 0
P
echo "as expected"

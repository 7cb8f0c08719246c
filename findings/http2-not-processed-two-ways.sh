#!/bin/bash
# Package:   httpx 0.28.1, httpx2 2.16.2, niquests 3.21.2, primp 2.0.1, pycurl 7.49.0 (Python packages) and undici
#            8.13.1 (npm; Node.js 24.18.0), all over HTTP/2; the server is made with h2 4.4.0
# Behaviour: An HTTP/2 server has two ways to say that it has not processed a POST, so that it may be sent again (RFC
#            9113 section 8.7): RST_STREAM with REFUSED_STREAM, and GOAWAY with a lower stream number. pycurl, primp
#            and undici's request() send it again in both cases. httpx and httpx2 do so after GOAWAY, and raise
#            RemoteProtocolError for REFUSED_STREAM. undici's fetch() and niquests fail in both. If the GOAWAY includes
#            the stream nobody sends again; httpx raises the same RemoteProtocolError.
# Matters:   Servers send GOAWAY at each restart. A refresh lost by it is not lost: it can be sent again with the same
#            refresh token. By its class the exception does not say so: the text or the cause does (error code 7, or
#            the stream number). Which door of undici is taken decides whether a restart is noticed.
# Guess:     request() as fetch(): an error. httpx: an error in both cases, httpx2 only for REFUSED_STREAM.
# Seen:      REFUSED_STREAM: pycurl, primp, request() 200 / GOAWAY: those and httpx, httpx2 200 / else an error
# Duration:  about 25 seconds without install.
set -euo pipefail
T=$(mktemp -d); trap 'rm -rf "$T"' EXIT; cd "$T"
python3 -m venv v && v/bin/pip -q install "httpx[http2]==0.28.1" "httpx2[http2]==2.16.2" niquests==3.21.2 primp==2.0.1 pycurl==7.49.0 h2==4.4.0 trustme==1.2.1
npm init -y >/dev/null; npm i --silent --no-audit --no-fund undici@8.13.1 node@24.18.0
cat > client.mjs <<'J'
import fs from 'node:fs';
import { Agent, fetch, request } from 'undici';
const [client, url] = process.argv.slice(2);
const dispatcher = new Agent({ allowH2: true, connect: { ca: fs.readFileSync('ca.pem') } });
const send = async (options) => {
  if (client === 'undici.fetch') { const r = await fetch(url, { dispatcher, ...options }); await r.text(); return r.status; }
  const r = await request(url, { dispatcher, ...options });
  await r.body.text();
  return r.statusCode;
};
await send({});
try { console.log(await send({ method: 'POST', body: 'x=1' })); } catch (e) { console.log((e.cause ?? e).code); }
process.exit();
J
cat > client.py <<'P'
import io, ssl, sys
client, url = sys.argv[1:]
if client in ("httpx", "httpx2"):
    library = __import__(client)
    session = library.Client(http2=True, verify=ssl.create_default_context(cafile="ca.pem"), trust_env=False)
    send = lambda method, **kw: session.request(method, url, **({"content": kw["data"]} if kw else {})).status_code
elif client == "niquests":
    import niquests
    session = niquests.Session()
    session.trust_env = False
    send = lambda method, **kw: session.request(method, url, verify="ca.pem", **kw).status_code
elif client == "primp":
    import primp
    session = primp.Client(verify=False, timeout=20)
    send = lambda method, **kw: session.request(method, url, **({"content": kw["data"]} if kw else {})).status_code
else:
    import pycurl
    handle = pycurl.Curl()
    def send(method, data=None):
        for option, value in ((pycurl.URL, url), (pycurl.CAINFO, "ca.pem"), (pycurl.WRITEDATA, io.BytesIO()), (pycurl.HTTP_VERSION, pycurl.CURL_HTTP_VERSION_2TLS)):
            handle.setopt(option, value)
        if data: handle.setopt(pycurl.POSTFIELDS, data)
        handle.perform()
        return handle.getinfo(pycurl.RESPONSE_CODE)
send("GET")
try: print(send("POST", data=b"x=1"))
except Exception as e: print(type(e).__name__)
P
cat > t.py <<'P'
import os, socket, ssl, subprocess, threading, time
import h2.config, h2.connection, h2.errors, h2.events, trustme
authority = trustme.CA()
authority.cert_pem.write_to_path("ca.pem")
certificate = authority.issue_cert("127.0.0.1")

def server(answer):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    certificate.configure_cert(context)
    context.set_alpn_protocols(["h2"])
    listener, posts = socket.create_server(("127.0.0.1", 0)), []
    def one(plain):
        try:
            tls = context.wrap_socket(plain, server_side=True)
            link = h2.connection.H2Connection(h2.config.H2Configuration(client_side=False, header_encoding="utf-8"))
            link.initiate_connection()
            methods = {}
            while True:
                tls.sendall(link.data_to_send())
                data = tls.recv(65536)
                if not data: return
                for event in link.receive_data(data):
                    if isinstance(event, h2.events.RequestReceived): methods[event.stream_id] = dict(event.headers)[":method"]
                    if not isinstance(event, h2.events.StreamEnded): continue
                    number = event.stream_id
                    if methods[number] == "POST":
                        posts.append(number)
                        if len(posts) == 1 and answer == "REFUSED_STREAM":
                            link.reset_stream(number, h2.errors.ErrorCodes.REFUSED_STREAM)
                            continue
                        if len(posts) == 1:
                            link.close_connection(0, last_stream_id=number if "included" in answer else number - 2)
                            tls.sendall(link.data_to_send())
                            time.sleep(0.3)
                            tls.unwrap()
                            return
                    link.send_headers(number, [(":status", "200"), ("content-length", "2")])
                    link.send_data(number, b"ok", end_stream=True)
        except OSError: pass
        finally: plain.close()
    def run():
        while True: threading.Thread(target=one, args=(listener.accept()[0],), daemon=True).start()
    threading.Thread(target=run, daemon=True).start()
    return f"https://127.0.0.1:{listener.getsockname()[1]}/", posts

env = {k: v for k, v in os.environ.items() if not k.lower().endswith("_proxy") and not k.endswith("_CA_BUNDLE")}
for answer in ("REFUSED_STREAM", "GOAWAY", "GOAWAY, stream included"):
    for client in ("pycurl", "primp", "httpx", "httpx2", "niquests", "undici.request", "undici.fetch"):
        url, posts = server(answer)
        command = ["node_modules/.bin/node", "client.mjs"] if client.startswith("undici") else ["v/bin/python", "client.py"]
        result = subprocess.run([*command, client, url], env=env, capture_output=True, text=True, timeout=60)
        print(f"{answer}: {client}: {result.stdout.strip() or result.stderr[-300:]}; sent {len(posts)}")
P
v/bin/python t.py | tee seen
diff - seen <<'P'
REFUSED_STREAM: pycurl: 200; sent 2
REFUSED_STREAM: primp: 200; sent 2
REFUSED_STREAM: httpx: RemoteProtocolError; sent 1
REFUSED_STREAM: httpx2: RemoteProtocolError; sent 1
REFUSED_STREAM: niquests: ConnectionError; sent 1
REFUSED_STREAM: undici.request: 200; sent 2
REFUSED_STREAM: undici.fetch: ERR_HTTP2_STREAM_ERROR; sent 1
GOAWAY: pycurl: 200; sent 2
GOAWAY: primp: 200; sent 2
GOAWAY: httpx: 200; sent 2
GOAWAY: httpx2: 200; sent 2
GOAWAY: niquests: ConnectionError; sent 1
GOAWAY: undici.request: 200; sent 2
GOAWAY: undici.fetch: UND_ERR_INFO; sent 1
GOAWAY, stream included: pycurl: error; sent 1
GOAWAY, stream included: primp: RequestError; sent 1
GOAWAY, stream included: httpx: RemoteProtocolError; sent 1
GOAWAY, stream included: httpx2: RemoteProtocolError; sent 1
GOAWAY, stream included: niquests: ConnectionError; sent 1
GOAWAY, stream included: undici.request: UND_ERR_SOCKET; sent 1
GOAWAY, stream included: undici.fetch: UND_ERR_SOCKET; sent 1
P
echo "as expected"

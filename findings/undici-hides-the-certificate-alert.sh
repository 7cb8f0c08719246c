#!/bin/bash
# Package:   undici 8.13.1, and fetch and https of Node.js 24.18.0 (npm package node); the server is Python's ssl with
#            certificates of trustme 1.2.1 (Python package)
# Behaviour: The token endpoint wants a client certificate (RFC 8705), and the client has none or one that has expired.
#            In TLS 1.3 the server's alert comes after the handshake. https names it in the error. fetch and undici
#            drop it and say UND_ERR_SOCKET, "other side closed", which is what they say of a server that was
#            restarted. In TLS 1.2 all three name it. A RetryAgent takes it for an outage: six connections for one GET.
# Matters:   The request was refused before it was read, so no refresh token is spent, and no retry will help: somebody
#            has to renew a certificate. A program that sorts errors into "sent, maybe acted on" and "cannot work" puts
#            it into the first, and an operator looks for a crash of the server.
# Guess:     All three name the certificate, in TLS 1.3 as in 1.2.
# Seen:      TLS 1.3: https "certificate required" or "certificate expired", fetch and undici "other side closed"
# Duration:  about 15 seconds without install.
set -euo pipefail
T=$(mktemp -d); trap 'rm -rf "$T"' EXIT; cd "$T"
npm init -y >/dev/null; npm i --silent --no-audit --no-fund undici@8.13.1 node@24.18.0
python3 -m venv v && v/bin/pip -q install trustme==1.2.1
cat > client.mjs <<'J'
import fs from 'node:fs';
import https from 'node:https';
import { Agent, RetryAgent, request } from 'undici';
const [client, url, certificate] = process.argv.slice(2);
const tls = { ca: fs.readFileSync('ca.pem') };
if (certificate !== 'none') tls.cert = tls.key = fs.readFileSync(certificate);
const options = { method: 'POST', body: 'grant_type=refresh_token&refresh_token=r1' };
try {
  if (client === 'https') {
    await new Promise((ok, fail) => https.request(url, { ...tls, method: 'POST' }, ok).on('error', fail).end(options.body));
  } else if (client === 'fetch') {
    // fetch has no option for a client certificate of its own; ca.pem comes by NODE_EXTRA_CA_CERTS.
    await fetch(url, options);
  } else if (client === 'undici') {
    await request(url, { ...options, dispatcher: new Agent({ connect: tls }) });
  } else {
    await request(url, { dispatcher: new RetryAgent(new Agent({ connect: tls }), { minTimeout: 50, maxTimeout: 100 }) });
  }
  console.log('no error');
} catch (e) {
  const cause = e.cause ?? e;
  const alert = cause.message.match(/alert ([a-z ]+)/)?.[1];
  console.log(alert ? `alert ${alert}` : `${cause.code} ${cause.message}`);
}
process.exit();
J
cat > t.py <<'P'
import datetime, os, socket, ssl, subprocess, threading, trustme
ca = trustme.CA()
ca.cert_pem.write_to_path("ca.pem")
ca.issue_cert("c", not_after=datetime.datetime.now(datetime.timezone.utc) - datetime.timedelta(days=1)).private_key_and_cert_chain_pem.write_to_path("expired.pem")

def server(version):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = context.maximum_version = version
    context.verify_mode = ssl.CERT_REQUIRED
    ca.configure_trust(context)
    ca.issue_cert("127.0.0.1").configure_cert(context)
    listener, seen = socket.create_server(("127.0.0.1", 0)), []
    def one(plain):
        tls = context.wrap_socket(plain, server_side=True, do_handshake_on_connect=False)
        try:
            tls.do_handshake()
            seen.append("let in")
        except ssl.SSLError:
            seen.append("refused")
        # Close in order, so that no reset overtakes the alert.
        plain = socket.socket(fileno=tls.detach())
        try:
            plain.shutdown(socket.SHUT_WR)
            plain.settimeout(2)
            while plain.recv(65536): pass
        except OSError: pass
        plain.close()
    def run():
        while True: threading.Thread(target=one, args=(listener.accept()[0],), daemon=True).start()
    threading.Thread(target=run, daemon=True).start()
    return f"https://127.0.0.1:{listener.getsockname()[1]}/token", seen

env = {k: v for k, v in os.environ.items() if not k.lower().endswith("_proxy")} | {"NODE_EXTRA_CA_CERTS": "ca.pem"}
for name, version in (("TLS 1.2", ssl.TLSVersion.TLSv1_2), ("TLS 1.3", ssl.TLSVersion.TLSv1_3)):
    for certificate in ("none", "expired.pem"):
        for client in ("https", "fetch", "undici", "RetryAgent"):
            if (client == "fetch" and certificate != "none") or (client == "RetryAgent" and name == "TLS 1.2"): continue
            url, seen = server(version)
            out = subprocess.run(["node_modules/.bin/node", "client.mjs", client, url, certificate], env=env, capture_output=True, text=True, timeout=60)
            print(f"{name}, certificate {certificate.removesuffix('.pem')}: {client}: {out.stdout.strip() or out.stderr[-300:]}; connections {' '.join(seen)}")
P
v/bin/python t.py | tee seen
diff - seen <<'P'
TLS 1.2, certificate none: https: alert handshake failure; connections refused
TLS 1.2, certificate none: fetch: alert handshake failure; connections refused
TLS 1.2, certificate none: undici: alert handshake failure; connections refused
TLS 1.2, certificate expired: https: alert certificate expired; connections refused
TLS 1.2, certificate expired: undici: alert certificate expired; connections refused
TLS 1.3, certificate none: https: alert certificate required; connections refused
TLS 1.3, certificate none: fetch: UND_ERR_SOCKET other side closed; connections refused
TLS 1.3, certificate none: undici: UND_ERR_SOCKET other side closed; connections refused
TLS 1.3, certificate none: RetryAgent: UND_ERR_SOCKET other side closed; connections refused refused refused refused refused refused
TLS 1.3, certificate expired: https: alert certificate expired; connections refused
TLS 1.3, certificate expired: undici: UND_ERR_SOCKET other side closed; connections refused
TLS 1.3, certificate expired: RetryAgent: UND_ERR_SOCKET other side closed; connections refused refused refused refused refused refused
P
echo "as expected"

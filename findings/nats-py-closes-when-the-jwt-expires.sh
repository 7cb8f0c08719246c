#!/bin/bash
# Package:   nats-py 2.16.0 (Python package) and, for comparison, @nats-io/transport-node 3.4.0 (npm), against
#            nats-server 2.9.10 (Debian 12) with users by JWT
# Behaviour: When a user's JWT runs out the server says "User Authentication Expired" and closes the connection. Both
#            clients have a callback that gives the JWT, so a reconnect would bring a new one. The Node client asks it
#            and goes on. nats-py closes for good: it does not reconnect, does not ask the callback, does not call
#            error_cb; disconnected_cb and closed_cb are called. When the connection breaks without that message, as at a
#            restart of the server, nats-py reconnects and asks for a new JWT.
# Matters:   The callback looks made for tokens that are renewed, and works at each broken connection, yet the one
#            reconnect that the expiry asks for never happens: subscriptions end in silence. Connect anew from
#            closed_cb.
# Guess:     Both reconnect, with a new JWT.
# Seen:      expiry: Node asked again, open; nats-py asked once, closed / server restarted: nats-py asked again, open
# Duration:  about 25 seconds without install. Needs Debian 12's package lists (apt-get update) and Node.js 20.
set -euo pipefail
T=$(mktemp -d); trap 'rm -rf "$T"' EXIT; cd "$T"
python3 -m venv v && v/bin/pip -q install nats-py==2.16.0 nkeys==0.2.1
npm init -y >/dev/null; npm i --silent --no-audit --no-fund @nats-io/transport-node@3.4.0
apt-get -q download nats-server=2.9.10-1+b3 >/dev/null 2>&1
dpkg -x nats-server_*.deb root
cat > client.mjs <<'J'
import { connect, jwtAuthenticator } from '@nats-io/transport-node';
import { readFileSync } from 'node:fs';
const [servers, seed, ...jwts] = process.argv.slice(2);
let asked = 0;
const connection = await connect({ servers, reconnectTimeWait: 300, reconnectJitter: 0,
  authenticator: jwtAuthenticator(() => jwts[asked++], new TextEncoder().encode(seed)) });
setTimeout(() => { console.log(`callback asked ${asked > 1 ? 'again' : 'once'}, ${connection.isClosed() ? 'closed' : 'open'}`); process.exit(); }, 7000);
J
cat > t.py <<'P'
import asyncio, base64, hashlib, json, os, socket, subprocess, time
import nats, nkeys

text = lambda b: base64.urlsafe_b64encode(b).rstrip(b"=").decode()
def pair(prefix):
    seed = nkeys.encode_seed(os.urandom(32), prefix)
    keys = nkeys.from_seed(bytearray(seed))
    return keys, keys.public_key.decode(), bytes(seed).decode()
def jwt(issuer, subject, kind, claims={}, end=None):
    body = {"iat": int(time.time()), "iss": issuer.public_key.decode(), "name": kind, "sub": subject, "nats": {"type": kind, "version": 2, **claims}}
    if end: body["exp"] = int(end)
    body["jti"] = base64.b32encode(hashlib.sha256(json.dumps(body).encode()).digest()).decode().rstrip("=")
    head = text(b'{"typ":"JWT","alg":"ed25519-nkey"}') + "." + text(json.dumps(body).encode())
    return head + "." + text(issuer.sign(head.encode()))
operator, operator_name, _ = pair(nkeys.PREFIX_BYTE_OPERATOR)
account, account_name, _ = pair(nkeys.PREFIX_BYTE_ACCOUNT)
user, user_name, user_seed = pair(nkeys.PREFIX_BYTE_USER)
account_limits = {"subs": -1, "data": -1, "payload": -1, "imports": -1, "exports": -1, "wildcards": True, "conn": -1, "leaf": -1}
user_jwt = lambda end: jwt(account, user_name, "user", {"subs": -1, "data": -1, "payload": -1}, end)

with socket.create_server(("127.0.0.1", 0)) as s: port = s.getsockname()[1]
with open("server.conf", "w") as f:
    f.write(f'host: "127.0.0.1"\nport: {port}\noperator: "{jwt(operator, operator_name, "operator")}"\nresolver: MEMORY\n'
            f'resolver_preload: {{ {account_name}: "{jwt(operator, account_name, "account", {"limits": account_limits})}" }}\n')
def start():
    server = subprocess.Popen(["root/usr/sbin/nats-server", "-c", "server.conf"], stderr=open("log", "a"))
    for _ in range(100):
        try: socket.create_connection(("127.0.0.1", port)).close(); return server
        except OSError: time.sleep(0.1)
    raise SystemExit("the server did not start")

async def python(life, restart):
    global server
    asked, events = [], []
    def get_jwt():
        asked.append(1)
        return bytearray(user_jwt(time.time() + life).encode())
    def note(name):
        async def callback(*a): events.append(name)
        return callback
    connection = await nats.connect(f"nats://127.0.0.1:{port}", user_jwt_cb=get_jwt, reconnect_time_wait=0.3,
        signature_cb=lambda nonce: base64.b64encode(user.sign(nonce.encode())), error_cb=note("error_cb"),
        disconnected_cb=note("disconnected_cb"), reconnected_cb=note("reconnected_cb"), closed_cb=note("closed_cb"))
    if restart:
        await asyncio.sleep(1)
        server.kill()
        server.wait()
        server = start()
    await asyncio.sleep(6)
    result = f"callback asked {'again' if len(asked) > 1 else 'once'}, {'closed' if connection.is_closed else 'open'}; called: {', '.join(sorted(set(events)))}"
    if not connection.is_closed: await connection.close()
    return result

server = start()
try:
    now = time.time()
    jwts = [user_jwt(now + end) for end in (4, 60, 60)]
    node = subprocess.run(["node", "client.mjs", f"127.0.0.1:{port}", user_seed, *jwts], capture_output=True, text=True, timeout=60)
    print("Node, expiry:", node.stdout.strip() or node.stderr[-300:])
    print("nats-py, expiry:", asyncio.run(python(3, False)))
    print("nats-py, server restarted:", asyncio.run(python(60, True)))
finally: server.kill()
P
v/bin/python t.py | tee seen
diff - seen <<'P'
Node, expiry: callback asked again, open
nats-py, expiry: callback asked once, closed; called: closed_cb, disconnected_cb
nats-py, server restarted: callback asked again, open; called: disconnected_cb, error_cb, reconnected_cb
P
echo "as expected"

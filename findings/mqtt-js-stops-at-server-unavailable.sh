#!/bin/bash
# Package:   mqtt 5.16.0 (npm, MQTT.js; Node.js 20), and paho-mqtt 2.2.0, gmqtt 0.8.0 (Python packages) for comparison
# Behaviour: A connection made with a token as password breaks, and the reconnect is answered by a CONNACK with a
#            reason: "server unavailable", as a broker says while it starts, or "not authorized", as for a token that
#            has run out. paho tries on in both cases. gmqtt tries on after "server unavailable" and stops after "not
#            authorized". MQTT.js stops after either, at the first one: `reconnecting` stays true, no "end" comes, a
#            publish waits without an answer, nothing is sent any more. The same in MQTT 3.1.1 and 5.
# Matters:   One restart of the broker that is caught at the wrong moment ends a MQTT.js client, and all it can be asked
#            says that it is about to connect. Set reconnectOnConnackError, and put the new token into options.password
#            in the "error" event; or call reconnect() once from a timer. gmqtt only logs that it has stopped.
# Guess:     MQTT.js stops at "not authorized" and tries on after "server unavailable"; gmqtt tries on after both.
# Seen:      unavailable once: paho, gmqtt connected, MQTT.js not / not authorized: only paho tries on
# Duration:  about 30 seconds without install.
set -euo pipefail
T=$(mktemp -d); trap 'rm -rf "$T"' EXIT; cd "$T"
python3 -m venv v && v/bin/pip -q install paho-mqtt==2.2.0 gmqtt==0.8.0
npm init -y >/dev/null; npm i --silent --no-audit --no-fund mqtt@5.16.0
cat > client.mjs <<'J'
import mqtt from 'mqtt';
const [port, version, option] = process.argv.slice(2);
const client = mqtt.connect(`mqtt://127.0.0.1:${port}`, { protocolVersion: +version, username: 'u', password: 'old', reconnectPeriod: 500,
  reconnectOnConnackError: option === 'reconnectOnConnackError' });
let ended = false, published = 'waits';
client.on('end', () => { ended = true; });
client.on('error', () => {
  if (option) client.options.password = 'new';
  client.publish('x', 'y', { qos: 0 }, (e) => { published = e ? 'fails' : 'sent'; });
});
setTimeout(() => {
  console.log(`connected ${client.connected}, reconnecting ${client.reconnecting}, end ${ended}, publish ${published}`);
  process.exit();
}, 8000);
J
cat > client.py <<'P'
import asyncio, logging, sys, threading, time
logging.disable(logging.CRITICAL)
client, port, version = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
if client == "paho":
    import paho.mqtt.client as paho
    c = paho.Client(paho.CallbackAPIVersion.VERSION2, "x", protocol=paho.MQTTv5 if version == 5 else paho.MQTTv311)
    c.username_pw_set("u", "old")
    c.reconnect_delay_set(0.5, 0.5)
    c.connect("127.0.0.1", port)
    threading.Thread(target=c.loop_forever, daemon=True).start()
    time.sleep(8)
    print("connected", str(c.is_connected()).lower())
else:
    import gmqtt
    async def main():
        c = gmqtt.Client("x")
        c.set_auth_credentials("u", "old")
        c.set_config({"reconnect_delay": 0.5, "reconnect_retries": -1})
        await c.connect("127.0.0.1", port, version=version)
        await asyncio.sleep(8)
        print("connected", str(c.is_connected).lower())
    asyncio.run(main())
P
cat > t.py <<'P'
import os, socket, subprocess, threading, time

def broker(reason):  # takes the first connection and drops it after half a second; refuses the next, or all with the old token
    tries = []
    def packet(f):
        head = f.read(1)
        if not head: return None, b""
        length = shift = 0
        while True:
            byte = f.read(1)[0]
            length |= (byte & 127) << shift
            shift += 7
            if byte < 128: return head[0] >> 4, f.read(length)
    def one(link):
        try:
            f = link.makefile("rb")
            while True:
                kind, body = packet(f)
                if kind is None: return
                if kind == 12: link.sendall(b"\xd0\x00")
                if kind != 1: continue
                tries.append(1)
                n, five = len(tries), body[6] == 5
                refuse = n == 2 if reason == "unavailable once" else n > 1 and not body.endswith(b"new")
                code = 0 if not refuse else {True: {"unavailable once": 0x88, "not authorized": 0x87}, False: {"unavailable once": 3, "not authorized": 5}}[five][reason]
                link.sendall(bytes([0x20, 3, 0, code, 0] if five else [0x20, 2, 0, code]))
                if refuse or n == 1:
                    time.sleep(0 if refuse else 0.5)
                    link.shutdown(socket.SHUT_RDWR)
                    return
        except (OSError, IndexError): pass
        finally: link.close()
    listener = socket.create_server(("127.0.0.1", 0))
    def run():
        while True: threading.Thread(target=one, args=(listener.accept()[0],), daemon=True).start()
    threading.Thread(target=run, daemon=True).start()
    return listener.getsockname()[1], tries

env = {k: v for k, v in os.environ.items() if not k.lower().endswith("_proxy")}
lines, threads = {}, []
def run(label, command, reason, version, *more):
    port, tries = broker(reason)
    result = subprocess.run([*command, str(port), str(version), *more], env=env, capture_output=True, text=True, timeout=60)
    n = len(tries) - 1
    lines[label] = f"{label}: {result.stdout.strip() or result.stderr[-300:]}; tried again {'on and on' if n > 4 else 'twice' if n == 2 else 'once' if n == 1 else n}"
for reason in ("unavailable once", "not authorized"):
    for version in (4, 5):
        for name, command in (("paho", ["v/bin/python", "client.py", "paho"]), ("gmqtt", ["v/bin/python", "client.py", "gmqtt"]), ("MQTT.js", ["node", "client.mjs"])):
            cases = [(f"{reason}, version {version}, {name}", command, reason, version)]
            if name == "MQTT.js" and version == 5 and reason == "not authorized":
                cases += [(f"{reason}, new password in error", command, reason, version, "password"),
                          (f"{reason}, the same with reconnectOnConnackError", command, reason, version, "reconnectOnConnackError")]
            for case in cases:
                lines[case[0]] = "did not end"
                threads.append(threading.Thread(target=run, args=case))
for n in range(0, len(threads), 3):
    for t in threads[n:n + 3]: t.start()
    for t in threads[n:n + 3]: t.join()
print("\n".join(lines.values()))
P
v/bin/python t.py | tee seen
diff - seen <<'P'
unavailable once, version 4, paho: connected true; tried again twice
unavailable once, version 4, gmqtt: connected true; tried again twice
unavailable once, version 4, MQTT.js: connected false, reconnecting true, end false, publish waits; tried again once
unavailable once, version 5, paho: connected true; tried again twice
unavailable once, version 5, gmqtt: connected true; tried again twice
unavailable once, version 5, MQTT.js: connected false, reconnecting true, end false, publish waits; tried again once
not authorized, version 4, paho: connected false; tried again on and on
not authorized, version 4, gmqtt: connected false; tried again once
not authorized, version 4, MQTT.js: connected false, reconnecting true, end false, publish waits; tried again once
not authorized, version 5, paho: connected false; tried again on and on
not authorized, version 5, gmqtt: connected false; tried again once
not authorized, version 5, MQTT.js: connected false, reconnecting true, end false, publish waits; tried again once
not authorized, new password in error: connected false, reconnecting true, end false, publish waits; tried again once
not authorized, the same with reconnectOnConnackError: connected true, reconnecting false, end false, publish sent; tried again twice
P
echo "as expected"

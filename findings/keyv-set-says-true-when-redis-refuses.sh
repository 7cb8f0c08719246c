#!/bin/bash
# Package:   keyv 5.6.0 with @keyv/redis 5.1.6 and @keyv/valkey 1.0.11, cache-manager 7.2.9, cacheable 2.5.0; beside them
#            unstorage 1.17.6 (Node packages); redis-server is needed (7.0.15 seen)
# Behaviour: The server refuses writes and serves reads, as one does that has lost its replicas (min-replicas-to-write),
#            its memory or its disk. keyv with @keyv/redis: set() gives true, and the error is an event only; with
#            @keyv/valkey it gives false. cache-manager over keyv: set() gives the value back, without an error or an
#            event of its own. cacheable: true, and get() of the same process reads the new value from its memory,
#            another process the old one. unstorage rejects.
# Matters:   The rotated refresh token is not stored, and the program believes it is. It comes out when the next machine,
#            or the next start, sends the spent one. With keyv set throwOnErrors, listen to "error", and read back what
#            must not be lost.
# Guess:     keyv gives false, and cache-manager over it rejects.
# Seen:      set: true, "r2", true / read by another process: r1 in each
# Duration:  a few seconds without install.
set -euo pipefail
T=$(mktemp -d); trap 'rm -rf "$T"' EXIT; cd "$T"
npm init -y >/dev/null; npm i --silent --no-audit --no-fund keyv@5.6.0 @keyv/redis@5.1.6 @keyv/valkey@1.0.11 cache-manager@7.2.9 cacheable@2.5.0 unstorage@1.17.6 ioredis@5.11.1 node@24.18.0
cat > t.mjs <<'J'
import KeyvRedis, { createKeyv } from '@keyv/redis';
import KeyvValkey from '@keyv/valkey';
import { createCache } from 'cache-manager';
import { Cacheable } from 'cacheable';
import Redis from 'ioredis';
import Keyv from 'keyv';
import { spawn } from 'node:child_process';
import { createServer } from 'node:net';
import { createStorage } from 'unstorage';
import redisDriver from 'unstorage/drivers/redis';
const port = await new Promise((ok) => { const s = createServer().listen(0, '127.0.0.1', () => { const { port } = s.address(); s.close(() => ok(port)); }); });
const server = spawn('redis-server', ['--port', String(port), '--bind', '127.0.0.1', '--save', ''], { stdio: 'ignore' });
process.on('exit', () => server.kill());
const admin = new Redis(port, '127.0.0.1');
admin.on('error', () => {});
await admin.ping();
const url = `redis://127.0.0.1:${port}`;
let events = 0;
const count = (keyv) => { keyv.on('error', () => { events += 1; }); return keyv; };
const made = {
  'keyv, @keyv/redis': () => count(createKeyv(url, { namespace: 'a' })),
  'keyv, @keyv/redis, throwOnErrors': () => count(new Keyv(new KeyvRedis(url, { namespace: 'b', throwOnErrors: true }), { namespace: 'b', throwOnErrors: true })),
  'keyv, @keyv/valkey': () => count(new Keyv({ store: new KeyvValkey(url), namespace: 'c' })),
  'cache-manager over @keyv/redis': () => { const c = createCache({ stores: [createKeyv(url, { namespace: 'd' })] }); c.on('set', ({ error }) => { if (error) events += 1; }); return c; },
  'cacheable, @keyv/redis second': () => { const c = new Cacheable({ secondary: createKeyv(url, { namespace: 'e' }) }); c.on('error', () => { events += 1; }); return c; },
  unstorage: () => { const s = createStorage({ driver: redisDriver({ url, base: 'f' }) }); return { set: (k, v) => s.setItem(k, v), get: (k) => s.getItem(k) }; },
};
for (const [name, make] of Object.entries(made)) {
  const [mine, others] = [make(), make()];
  await mine.set('login', 'r1');
  await admin.config('SET', 'min-replicas-to-write', '1');
  events = 0;
  const answer = await mine.set('login', 'r2').then((x) => JSON.stringify(x), () => 'rejects');
  console.log(`${name}: set r2 gives ${answer}, ${events ? 'an' : 'no'} error event; this process reads ${await mine.get('login')}, another store ${await others.get('login')}`);
  await admin.config('SET', 'min-replicas-to-write', '0');
}
process.exit(0);
J
node_modules/.bin/node t.mjs | tee seen
diff - seen <<'P'
keyv, @keyv/redis: set r2 gives true, an error event; this process reads r1, another store r1
keyv, @keyv/redis, throwOnErrors: set r2 gives rejects, an error event; this process reads r1, another store r1
keyv, @keyv/valkey: set r2 gives false, an error event; this process reads r1, another store r1
cache-manager over @keyv/redis: set r2 gives "r2", no error event; this process reads r1, another store r1
cacheable, @keyv/redis second: set r2 gives true, an error event; this process reads r2, another store r1
unstorage: set r2 gives rejects, no error event; this process reads r1, another store r1
P
echo "as expected"

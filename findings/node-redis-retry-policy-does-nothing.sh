#!/bin/bash
# Package:   @redis/entraid 6.1.0 with @redis/client 6.3.1 (npm; Node.js 20): EntraidCredentialsProvider and
#            TokenManager, with an identity provider of the script's own and a small Redis server
# Behaviour: The retry policy of the README's example (maxAttempts, delays) is not used: without an isRetryable function
#            nothing is retried, though the doc comment says that all errors are then. One 503 at a renewal, and no
#            other is tried, with half of the token's life left. The server closes the connection at the token's end;
#            the reconnect fetches a token and renewal goes on, from then on with two AUTH for each token. The package's
#            default policy, which retries network errors of MSAL, treats the 503 alike. With isRetryable: () => true
#            the token is renewed and the connection lives.
# Matters:   The first outage of a second breaks each connection some minutes later, when nothing is wrong any more. Set
#            isRetryable, and look at onReAuthenticationError: it is called once, at the failure.
# Guess:     The policy's attempts are made, and renewal stops for good after the last.
# Seen:      README's and default policy: 1 ask in the outage, connection lost / isRetryable: 2 asks, connection kept
# Duration:  about 30 seconds without install.
set -euo pipefail
T=$(mktemp -d); trap 'rm -rf "$T"' EXIT; cd "$T"
npm init -y >/dev/null; npm i --silent --no-audit --no-fund @redis/entraid@6.1.0 @redis/client@6.3.1
cat > t.mjs <<'J'
import net from 'node:net';
import { createClient } from '@redis/client';
import authx from '@redis/client/dist/lib/authx/index.js';
import { DEFAULT_RETRY_POLICY, EntraidCredentialsProvider } from '@redis/entraid';

const run = async (label, retry) => {
  const start = Date.now(), ends = {}, auths = {};
  const server = net.createServer((socket) => {
    let text = '', timer;
    socket.on('error', () => {});
    socket.on('data', (data) => {
      text += data;
      for (;;) {  // requests are arrays of strings without line breaks: *n, then $length and the string
        const lines = text.split('\r\n'), count = Number(lines[0].slice(1));
        if (!text || lines.length < 2 + 2 * count) return;
        const words = Array.from({ length: count }, (_, n) => lines[2 + 2 * n]);
        text = lines.slice(1 + 2 * count).join('\r\n');
        if (words[0] === 'GET') { socket.write('$2\r\nok\r\n'); continue; }
        const token = words[0] === 'AUTH' || words.includes('AUTH') ? words.at(words[0] === 'AUTH' ? -1 : words.indexOf('AUTH') + 2) : undefined;
        if (!token) { socket.write('+OK\r\n'); continue; }
        auths[token] = (auths[token] ?? 0) + 1;
        if (!(ends[token] > Date.now())) { socket.write('-WRONGPASS\r\n'); continue; }
        clearTimeout(timer);
        timer = setTimeout(() => socket.destroy(), ends[token] - Date.now());
        socket.write(words[0] === 'AUTH' ? '+OK\r\n' : '%1\r\n$5\r\nproto\r\n:3\r\n');
      }
    });
  });
  await new Promise((ok) => server.listen(0, '127.0.0.1', ok));
  let asked = 0, inOutage = 0;
  const identity = { requestToken: async () => {
    const time = Date.now() - start;
    if (time > 1000 && time < 3000) { inOutage++; throw new Error('503'); }
    const accessToken = `a${++asked}`;
    ends[accessToken] = Date.now() + 4000;
    return { token: { accessToken, uniqueId: 'u' }, ttlMs: 4000 };
  } };
  const manager = new authx.TokenManager(identity, { expirationRefreshRatio: 0.5, retry });
  let reported = 0, lost = 0;
  const credentialsProvider = new EntraidCredentialsProvider(manager, identity, { onReAuthenticationError: () => reported++ });
  const client = createClient({ socket: { host: '127.0.0.1', port: server.address().port, reconnectStrategy: () => 200 }, credentialsProvider });
  client.on('error', () => lost++);
  await client.connect();
  await new Promise((ok) => setTimeout(ok, 11000));
  const last = await client.get('x');
  const twice = Object.values(auths).some((n) => n > 1);
  console.log(`${label}: asked in the outage ${inOutage > 1 ? 'more than once' : 'once'}, onReAuthenticationError ${reported}, ` +
    `connection lost ${lost}, AUTH ${twice ? 'twice' : 'once'} for each later token; at the end ${last}`);
  client.destroy();
  server.close();
};
const readme = { maxAttempts: 5, initialDelayMs: 400, maxDelayMs: 400, backoffMultiplier: 2 };
await run("README's policy", readme);
await run('default policy', { ...DEFAULT_RETRY_POLICY, ...readme });
await run('isRetryable', { ...readme, isRetryable: () => true });
process.exit();
J
node t.mjs | tee seen
diff - seen <<'P'
README's policy: asked in the outage once, onReAuthenticationError 1, connection lost 1, AUTH twice for each later token; at the end ok
default policy: asked in the outage once, onReAuthenticationError 1, connection lost 1, AUTH twice for each later token; at the end ok
isRetryable: asked in the outage more than once, onReAuthenticationError 0, connection lost 0, AUTH once for each later token; at the end ok
P
echo "as expected"

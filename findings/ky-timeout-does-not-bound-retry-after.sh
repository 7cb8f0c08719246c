#!/bin/bash
# Package:   ky 2.1.0 (npm), retry of POST switched on; Node.js 24.18.0
# Behaviour: timeout is 1 second. The token endpoint answers 429 with Retry-After: 4. ky waits the
#            four seconds, sends again, and returns the response after more than four seconds. The
#            timeout counts each attempt by itself; the wait between attempts has no bound of its own.
# Matters:   The server decides how long a caller of the refresh waits. A Retry-After of an hour
#            holds the single flight, and the lease of the account, for an hour.
# Guess:     TimeoutError when the timeout has passed.
# Seen:      status 200, requests 2, after 4 to 6 seconds
# Duration:  about 5 seconds without install.
set -euo pipefail
T=$(mktemp -d); trap 'rm -rf "$T"' EXIT; cd "$T"
npm init -y >/dev/null; npm i --silent --no-audit --no-fund ky@2.1.0 node@24.18.0
cat > t.mjs <<'J'
import ky from 'ky';
import http from 'node:http';
let requests = 0;
const srv = http.createServer((q, r) => {
  q.resume().on('end', () => {
    if (++requests === 1) r.writeHead(429, { 'retry-after': '4' }).end();
    else r.end('{"access_token":"a2","token_type":"Bearer"}');
  });
});
await new Promise((ok) => srv.listen(0, '127.0.0.1', ok));
const start = Date.now();
let result;
try {
  const r = await ky.post(`http://127.0.0.1:${srv.address().port}/token`, {
    body: new URLSearchParams({ grant_type: 'refresh_token', refresh_token: 'r1' }), timeout: 1000, retry: { limit: 1, methods: ['post'] },
  });
  result = `status ${r.status}`;
} catch (e) {
  result = e.name;
}
const s = (Date.now() - start) / 1000;
console.log(`${result}, requests ${requests}, after ${s < 2 ? 'less than 2' : s < 4 ? '2 to 4' : s < 6 ? '4 to 6' : 'more than 6'} seconds`);
process.exit(0);
J
node_modules/.bin/node t.mjs | tee seen
diff - seen <<'J'
status 200, requests 2, after 4 to 6 seconds
J
echo "as expected"

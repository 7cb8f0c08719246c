#!/bin/bash
# Package:   undici 8.13.1 (npm), its fetch with its RetryAgent, methods: ['POST']; Node.js 24.18.0
# Behaviour: The token endpoint answers 502 once. The RetryAgent sends the POST again, but with an
#            empty body, and the call fails with UND_ERR_REQ_CONTENT_LENGTH_MISMATCH. The body was a
#            plain string. With request() instead of fetch() the same agent sends the body again.
# Matters:   fetch turns every body into a stream that can be read once. A retry below fetch sends a
#            refresh without a refresh token, the server sees a malformed request, and the error
#            names neither the 502 nor the token endpoint. A retry has to build the request anew.
# Guess:     The second attempt carries the same body, as with request(), because it is a string.
# Seen:      request: bodies of 41 and 41 bytes, 200
#            fetch: bodies of 41 and 0 bytes, UND_ERR_REQ_CONTENT_LENGTH_MISMATCH
# Duration:  seconds without install.
set -euo pipefail
T=$(mktemp -d); trap 'rm -rf "$T"' EXIT; cd "$T"
npm init -y >/dev/null; npm i --silent --no-audit --no-fund undici@8.13.1 node@24.18.0
cat > t.mjs <<'J'
import { Agent, RetryAgent, fetch, request } from 'undici';
import http from 'node:http';
for (const api of ['request', 'fetch']) {
  const sizes = [];
  const srv = http.createServer((q, r) => {
    q.on('error', () => {});
    const n = sizes.push(0) - 1;
    q.on('data', (d) => { sizes[n] += d.length; });
    q.on('end', () => { r.writeHead(n === 0 ? 502 : 200).end('{}'); });
  });
  await new Promise((ok) => srv.listen(0, '127.0.0.1', ok));
  const url = `http://127.0.0.1:${srv.address().port}/token`;
  const dispatcher = new RetryAgent(new Agent(), { methods: ['POST'], maxRetries: 1 });
  const init = { method: 'POST', body: 'grant_type=refresh_token&refresh_token=r1', headers: { 'content-type': 'application/x-www-form-urlencoded' }, dispatcher };
  let result;
  try {
    result = api === 'fetch' ? (await fetch(url, init)).status : (await request(url, init)).statusCode;
  } catch (e) {
    result = e.cause?.code ?? e.code;
  }
  await new Promise((ok) => setTimeout(ok, 300));
  console.log(`${api}: bodies of ${sizes.join(' and ')} bytes, ${result}`);
  srv.close();
  srv.closeAllConnections();
}
process.exit(0);
J
node_modules/.bin/node t.mjs | tee seen
diff - seen <<'J'
request: bodies of 41 and 41 bytes, 200
fetch: bodies of 41 and 0 bytes, UND_ERR_REQ_CONTENT_LENGTH_MISMATCH
J
echo "as expected"

#!/bin/bash
# Package:   @twurple/auth 8.2.0 (npm), RefreshingAuthProvider
# Behaviour: One refresh is answered by 503, or its connection is closed. From then on the provider refuses
#            the user with CachedRefreshFailureError, and sends nothing more, however long the server
#            has been well again. A refresh ahead of time that fails so takes away the access
#            token too, though it is good for an hour. addUser with the same token mends it. The error
#            and the event are the same as after a 400.
# Matters:   A bot that runs for months is stopped by one 503, until it is started again. Whoever uses it
#            has to catch the error, or listen to onRefreshFailure, and add the user again when the
#            failure was no refusal of the token.
# Guess:     503: the call fails, and the next one tries again. A valid access token is still given out.
# Seen:      503, closed, 400: one request; then CachedRefreshFailureError, valid token or not
# Duration:  seconds without install.
set -euo pipefail
T=$(mktemp -d); trap 'rm -rf "$T"' EXIT; cd "$T"
npm init -y >/dev/null; npm i --silent --no-audit --no-fund @twurple/auth@8.2.0 node@24.18.0
cat > t.mjs <<'J'
import { RefreshingAuthProvider } from '@twurple/auth';
import http from 'node:http';
let outage, sent = 0;
const srv = http.createServer((q, r) => {
  sent += 1;
  if (outage === 'closed') return q.socket.destroy();
  r.writeHead(outage ? Number(outage) : 200, { 'content-type': 'application/json' });
  r.end(JSON.stringify(outage ? { message: 'x' } : { access_token: 'a2', refresh_token: 'r2', expires_in: 3600, scope: [], token_type: 'bearer' }));
});
await new Promise((ok) => srv.listen(0, '127.0.0.1', ok));
// The address of the token endpoint is fixed; this takes it to the server on loopback.
const real = fetch;
globalThis.fetch = (url, options) => real(String(url).replace(/^https:\/\/[^/]+/, `http://127.0.0.1:${srv.address().port}`), options);
const show = (promise) => promise.then((t) => t.accessToken, (e) => e.name === 'Error' ? e.constructor.name : e.name);
for (const trouble of ['503', 'closed', '400']) {
  for (const left of [-100, 3600]) {
    const provider = new RefreshingAuthProvider({ clientId: 'c', clientSecret: 's' });
    let failures = 0;
    provider.onRefreshFailure(() => { failures += 1; });
    const token = () => ({ accessToken: 'a1', refreshToken: 'r1', expiresIn: 3600, obtainmentTimestamp: Date.now() + (left - 3600) * 1000, scope: [] });
    provider.addUser('1', token());
    outage = trouble; sent = 0;
    const first = await show(left > 0 ? provider.refreshAccessTokenForUser('1') : provider.getAccessTokenForUser('1'));
    outage = undefined;
    const after = [await show(provider.getAccessTokenForUser('1')), await show(provider.refreshAccessTokenForUser('1'))];
    const requests = sent;
    provider.addUser('1', token());
    console.log(`${trouble}, access token ${left > 0 ? 'valid' : 'expired'}: ${first}; server well again: get ${after[0]}, refresh ${after[1]}; requests ${requests}, failure events ${failures}; added again: ${await show(provider.getAccessTokenForUser('1'))}`);
  }
}
process.exit(0);
J
node_modules/.bin/node t.mjs | tee seen
diff - seen <<'J'
503, access token expired: HttpStatusCodeError; server well again: get CachedRefreshFailureError, refresh CachedRefreshFailureError; requests 1, failure events 1; added again: a2
503, access token valid: HttpStatusCodeError; server well again: get CachedRefreshFailureError, refresh CachedRefreshFailureError; requests 1, failure events 1; added again: a1
closed, access token expired: TypeError; server well again: get CachedRefreshFailureError, refresh CachedRefreshFailureError; requests 1, failure events 1; added again: a2
closed, access token valid: TypeError; server well again: get CachedRefreshFailureError, refresh CachedRefreshFailureError; requests 1, failure events 1; added again: a1
400, access token expired: HttpStatusCodeError; server well again: get CachedRefreshFailureError, refresh CachedRefreshFailureError; requests 1, failure events 1; added again: a2
400, access token valid: HttpStatusCodeError; server well again: get CachedRefreshFailureError, refresh CachedRefreshFailureError; requests 1, failure events 1; added again: a1
J
echo "as expected"

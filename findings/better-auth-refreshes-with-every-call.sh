#!/bin/bash
# Package:   better-auth 1.7.25 (npm), genericOAuth plugin, getAccessToken, memory adapter
# Behaviour: The stored access token has expired. The response to the refresh has no expires_in.
#            The new tokens are saved, and the old accessTokenExpiresAt stays beside them. So the
#            fresh token counts as expired as well: every further call refreshes again.
# Matters:   One response without expires_in turns each use of the token into an exchange. With
#            single-use refresh tokens each of them is a chance to lose the session, and a
#            provider's limit is soon met. A new token needs a new expiry, known or guessed.
# Guess:     The expiry becomes unknown, and the next call sends nothing.
# Seen:      without expires_in: 3 calls, refresh tokens sent r1 r2 r3
#            with expires_in: 3 calls, refresh tokens sent r1
# Duration:  seconds without install.
set -euo pipefail
T=$(mktemp -d); trap 'rm -rf "$T"' EXIT; cd "$T"
npm init -y >/dev/null; npm i --silent --no-audit --no-fund better-auth@1.7.25
cat > t.mjs <<'J'
import { betterAuth } from 'better-auth';
import { genericOAuth } from 'better-auth/plugins';
import { memoryAdapter } from 'better-auth/adapters/memory';
import http from 'node:http';
for (const lifetime of ['without', 'with']) {
  const sent = [];
  const srv = http.createServer(async (q, r) => {
    let body = '';
    for await (const c of q) body += c;
    sent.push(new URLSearchParams(body).get('refresh_token'));
    const n = sent.length + 1;
    r.writeHead(200, { 'content-type': 'application/json' });
    r.end(JSON.stringify({ access_token: `a${n}`, refresh_token: `r${n}`, token_type: 'Bearer', ...(lifetime === 'with' && { expires_in: 3600 }) }));
  });
  await new Promise((ok) => srv.listen(0, '127.0.0.1', ok));
  const url = `http://127.0.0.1:${srv.address().port}`;
  const now = new Date();
  const db = {
    user: [{ id: 'u', email: 'user@example.com', name: 'user', emailVerified: true, createdAt: now, updatedAt: now }],
    session: [], verification: [],
    account: [{ id: 'x', userId: 'u', providerId: 'p', accountId: 'y', accessToken: 'a1', refreshToken: 'r1', accessTokenExpiresAt: new Date(Date.now() - 10000), createdAt: now, updatedAt: now }],
  };
  const auth = betterAuth({
    secret: 'only for this script, forty characters..', baseURL: url, logger: { disabled: true }, telemetry: { enabled: false },
    database: memoryAdapter(db),
    plugins: [genericOAuth({ config: [{ providerId: 'p', clientId: 'c', clientSecret: 's', tokenUrl: url + '/token', authorizationUrl: url + '/authorize', userInfoUrl: url + '/userinfo' }] })],
  });
  const got = [];
  for (let i = 0; i < 3; i++) got.push((await auth.api.getAccessToken({ body: { accountId: 'x', userId: 'u' } })).accessToken);
  console.log(`${lifetime} expires_in: got ${got.join(' ')}; refresh tokens sent ${sent.join(' ')}; expiry in the past: ${db.account[0].accessTokenExpiresAt < new Date()}`);
  srv.close();
  srv.closeAllConnections();
}
process.exit(0);
J
node t.mjs | tee seen
diff - seen <<'J'
without expires_in: got a2 a3 a4; refresh tokens sent r1 r2 r3; expiry in the past: true
with expires_in: got a2 a2 a2; refresh tokens sent r1; expiry in the past: false
J
echo "as expected"

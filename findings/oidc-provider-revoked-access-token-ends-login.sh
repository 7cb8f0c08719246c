#!/bin/bash
# Package:   oidc-provider 9.13.3 (npm), a confidential client, default revokeGrantPolicy
# Behaviour: Revoking an access token (RFC 7009) also deletes the refresh token of the same
#            grant. The default revokeGrantPolicy answers false for access tokens, yet only the
#            grant itself obeys it: all tokens of the grant go. The next refresh gets
#            invalid_grant. The grant itself stays in the store, without a token.
# Matters:   A refresher that revokes the old access token after a refresh, to tidy up, ends the
#            login. django-allauth 65.22.1 keeps the refresh token in the same place, so a test
#            at one server says nothing about another.
# Guess:     The access token dies and the refresh token lives, as revokeGrantPolicy says.
# Seen:      revocation 200; access token inactive; refresh 400 invalid_grant; grant still stored
# Duration:  seconds without install.
set -euo pipefail
T=$(mktemp -d); trap 'rm -rf "$T"' EXIT; cd "$T"
npm init -y >/dev/null; npm i --silent --no-audit --no-fund oidc-provider@9.13.3 node@24.18.0
cat > t.mjs <<'J'
import Provider from 'oidc-provider';
import http from 'node:http';
const srv = http.createServer();
await new Promise((ok) => srv.listen(0, '127.0.0.1', ok));
const iss = `http://127.0.0.1:${srv.address().port}`;
const provider = new Provider(iss, {
  clients: [{ client_id: 'c', client_secret: 's', redirect_uris: ['https://app.example/cb'], grant_types: ['authorization_code', 'refresh_token'], response_types: ['code'] }],
  features: { revocation: { enabled: true }, introspection: { enabled: true }, devInteractions: { enabled: false } },
  findAccount: (ctx, id) => ({ accountId: id, claims: () => ({ sub: id }) }),
});
srv.on('request', provider.callback());
const post = async (path, form) => {
  const r = await fetch(iss + path, {
    method: 'POST', body: new URLSearchParams(form),
    headers: { authorization: 'Basic ' + Buffer.from('c:s').toString('base64') },
  });
  const text = await r.text();
  return { status: r.status, json: text ? JSON.parse(text) : {} };
};
const grant = new provider.Grant({ accountId: 'user', clientId: 'c' });
grant.addOIDCScope('openid offline_access');
const grantId = await grant.save();
const base = { client: await provider.Client.find('c'), accountId: 'user', grantId, gty: 'authorization_code', scope: 'openid offline_access' };
const rt = await new provider.RefreshToken({ ...base, rotations: 0, iiat: Math.floor(Date.now() / 1000), claims: {} }).save();
const refresh = (token) => post('/token', { grant_type: 'refresh_token', refresh_token: token });
const first = await refresh(rt);
console.log('refresh:', first.status);
console.log('refresh again with the same token:', (await refresh(rt)).status);
const revoked = await post('/token/revocation', { token: first.json.access_token, token_type_hint: 'access_token' });
console.log('revocation of the access token:', revoked.status);
console.log('access token active:', (await post('/token/introspection', { token: first.json.access_token })).json.active);
const last = await refresh(first.json.refresh_token);
console.log('refresh after it:', last.status, last.json.error);
console.log('grant still stored:', !!(await provider.Grant.find(grantId)));
process.exit(0);
J
node_modules/.bin/node t.mjs 2>/dev/null | grep -v NOTICE | grep -v WARNING | tee seen
diff - seen <<'J'
refresh: 200
refresh again with the same token: 200
revocation of the access token: 200
access token active: false
refresh after it: 400 invalid_grant
grant still stored: true
J
echo "as expected"

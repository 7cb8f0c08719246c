#!/bin/bash
# Package:   oidc-provider 9.13.3 with jose 6.2.18 (npm), Node.js 24.18.0; DPoP, a public client and one with
#            private_key_jwt
# Behaviour: A refresh whose DPoP proof was used before gets 400 invalid_grant "grant request is invalid", and so do
#            one without a proof and one with another key. A refresh token that does not exist gets the very same
#            answer. The login lives: a refresh with a new proof succeeds. (A wrong address in the proof is
#            invalid_dpop_proof.) Where nonces are asked for, the client is checked first, so use_dpop_nonce uses up
#            the client assertion: the same assertion with the right nonce gets 401 invalid_client.
# Matters:   A connection that sends the same bytes again, below the client, makes of one lost answer a login that
#            seems to be over. Before a user is logged out for invalid_grant, a client with DPoP should try once more
#            with a new proof. An assertion that lies ready in a file cannot be used with nonces.
# Guess:     A proof used before: 400 invalid_dpop_proof. (For the assertion there was no guess.)
# Seen:      used proof, no proof, other key, unknown token: 400 invalid_grant; then 200 / same assertion: 401
# Duration:  seconds without install.
set -euo pipefail
T=$(mktemp -d); trap 'rm -rf "$T"' EXIT; cd "$T"
npm init -y >/dev/null; npm i --silent --no-audit --no-fund oidc-provider@9.13.3 jose@6.2.18 node@24.18.0
cat > t.mjs <<'J'
import Provider from 'oidc-provider';
import http from 'node:http';
import { randomUUID } from 'node:crypto';
import { SignJWT, calculateJwkThumbprint, exportJWK, generateKeyPair } from 'jose';
const now = () => Math.floor(Date.now() / 1000);
const makeKey = async () => {
  const pair = await generateKeyPair('ES256', { extractable: true });
  return { ...pair, jwk: await exportJWK(pair.publicKey) };
};
const clientKey = await makeKey();

async function start(dPoP) {
  const srv = http.createServer();
  await new Promise((ok) => srv.listen(0, '127.0.0.1', ok));
  const issuer = `http://127.0.0.1:${srv.address().port}`;
  const common = { redirect_uris: ['https://app.example/cb'], grant_types: ['authorization_code', 'refresh_token'], response_types: ['code'] };
  const provider = new Provider(issuer, {
    clients: [
      { ...common, client_id: 'app', token_endpoint_auth_method: 'none' },
      { ...common, client_id: 'service', token_endpoint_auth_method: 'private_key_jwt', token_endpoint_auth_signing_alg: 'ES256', jwks: { keys: [{ ...clientKey.jwk, kid: 'k', use: 'sig' }] } },
    ],
    features: { dPoP: { enabled: true, ...dPoP }, devInteractions: { enabled: false } },
    rotateRefreshToken: false,
    findAccount: (ctx, id) => ({ accountId: id, claims: () => ({ sub: id }) }),
  });
  srv.on('request', provider.callback());
  const login = async (clientId, key) => {
    const grant = new provider.Grant({ accountId: 'user', clientId });
    grant.addOIDCScope('openid offline_access');
    return new provider.RefreshToken({
      client: await provider.Client.find(clientId), accountId: 'user', grantId: await grant.save(), gty: 'authorization_code',
      scope: 'openid offline_access', rotations: 0, iiat: now(), claims: {}, ...(key && { jkt: await calculateJwkThumbprint(key.jwk) }),
    }).save();
  };
  const proof = (key, claims = {}) => new SignJWT({ htm: 'POST', htu: `${issuer}/token`, jti: randomUUID(), iat: now(), ...claims })
    .setProtectedHeader({ alg: 'ES256', typ: 'dpop+jwt', jwk: key.jwk }).sign(key.privateKey);
  const refresh = async (label, form, dpop) => {
    const r = await fetch(`${issuer}/token`, { method: 'POST', headers: dpop ? { dpop } : {}, body: new URLSearchParams({ grant_type: 'refresh_token', ...form }) });
    const json = await r.json();
    console.log(`${label}: ${r.status}${json.error ? ` ${json.error} "${json.error_description}"` : ''}`);
    return r;
  };
  return { issuer, login, proof, refresh };
}

const plain = await start({});
const key = await makeKey();
const app = { client_id: 'app', refresh_token: await plain.login('app', key) };
const used = await plain.proof(key);
await plain.refresh('refresh', app, used);
await plain.refresh('the same proof again', app, used);
await plain.refresh('no proof', app);
await plain.refresh('proof by another key', app, await plain.proof(await makeKey()));
await plain.refresh('proof for another address', app, await plain.proof(key, { htu: `${plain.issuer}/other` }));
await plain.refresh('a refresh token that does not exist', { ...app, refresh_token: 'x'.repeat(43) }, await plain.proof(key));
await plain.refresh('new proof', app, await plain.proof(key));

const nonces = await start({ nonceSecret: Buffer.alloc(32, 1), requireNonce: () => true });
const assertion = () => new SignJWT({ iss: 'service', sub: 'service', aud: nonces.issuer, jti: randomUUID(), iat: now(), exp: now() + 60 })
  .setProtectedHeader({ alg: 'ES256', kid: 'k' }).sign(clientKey.privateKey);
const service = async (client_assertion) => ({
  client_id: 'service', refresh_token: stored, client_assertion, client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
});
const stored = await nonces.login('service');
const ready = await assertion();
const nonce = (await nonces.refresh('assertion, no nonce', await service(ready), await nonces.proof(key))).headers.get('dpop-nonce');
await nonces.refresh('the same assertion, nonce', await service(ready), await nonces.proof(key, { nonce }));
await nonces.refresh('new assertion, nonce', await service(await assertion()), await nonces.proof(key, { nonce }));
process.exit(0);
J
node_modules/.bin/node t.mjs 2>err | grep -v NOTICE | grep -v WARNING | tee seen
diff - seen <<'J'
refresh: 200
the same proof again: 400 invalid_grant "grant request is invalid"
no proof: 400 invalid_grant "grant request is invalid"
proof by another key: 400 invalid_grant "grant request is invalid"
proof for another address: 400 invalid_dpop_proof "DPoP proof htu mismatch"
a refresh token that does not exist: 400 invalid_grant "grant request is invalid"
new proof: 200
assertion, no nonce: 400 use_dpop_nonce "nonce is required in the DPoP proof"
the same assertion, nonce: 401 invalid_client "client authentication failed"
new assertion, nonce: 200
J
echo "as expected"

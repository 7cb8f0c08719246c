#!/bin/bash
# Package:   @atproto/oauth-provider 0.22.9 with jose 6.2.18 (npm), Node.js 24.18.0; a client with private_key_jwt
# Behaviour: A refresh with a client assertion that was shown before gets 400 invalid_grant "private_key_jwt jti
#            reused". A refresh token that is over gets invalid_grant as well. The login lives: the same refresh token
#            with a new assertion is answered 200. An assertion dated five seconds ahead of the server's clock is
#            refused as well, by 400 invalid_client; a DPoP proof may be a minute ahead.
# Matters:   By RFC 6749 invalid_client is the error for the first. A client that signs one assertion per start, reads
#            it from a file, or sends a request again below its own code is told that its user has to log in. Look for
#            "jti reused" before the stored token is thrown away, and sign anew for each request, dated a little back.
# Guess:     A used assertion: invalid_client. (For the clock there was no guess.)
# Seen:      used assertion: 400 invalid_grant, then 200 with a new one / 5 s ahead: 400 invalid_client
# Duration:  about 10 seconds without install.
set -euo pipefail
T=$(mktemp -d); trap 'rm -rf "$T"' EXIT; cd "$T"
npm init -y >/dev/null; npm i --silent --no-audit --no-fund @atproto/oauth-provider@0.22.9 jose@6.2.18 node@24.18.0
cat > t.mjs <<'J'
import http from 'node:http';
import { randomUUID } from 'node:crypto';
import { SignJWT, calculateJwkThumbprint, exportJWK, generateKeyPair } from 'jose';
import { JoseKey, OAuthProvider } from '@atproto/oauth-provider/provider';
import { oauthMiddleware } from '@atproto/oauth-provider/middleware';
const now = () => Math.floor(Date.now() / 1000);
const makeKey = async () => {
  const pair = await generateKeyPair('ES256', { extractable: true });
  return { ...pair, jwk: await exportJWK(pair.publicKey) };
};
const clientKey = await makeKey();
const dpopKey = await makeKey();
const clientId = 'https://app.example.com/client.json';
const metadata = {
  client_id: clientId, application_type: 'web', dpop_bound_access_tokens: true, scope: 'atproto', response_types: ['code'],
  grant_types: ['authorization_code', 'refresh_token'], redirect_uris: ['https://app.example.com/callback'],
  token_endpoint_auth_method: 'private_key_jwt', token_endpoint_auth_signing_alg: 'ES256',
  jwks: { keys: [{ ...clientKey.jwk, kid: 'k', alg: 'ES256', use: 'sig' }] },
};

// One session in memory; what else the server asks for at its start is not needed for a refresh. Without unique()
// it remembers used assertions and proofs by itself.
const account = { sub: 'did:plc:aaaaaaaaaaaaaaaaaaaaaaaa', aud: 'did:web:pds.example.com' };
let session;
const found = () => session && { id: session.id, data: session.data, account, currentRefreshToken: session.refreshToken };
const store = new Proxy({
  createToken(id, data, refreshToken) { session = { id, data, refreshToken }; },
  readToken: () => found() ?? null,
  findTokenByRefreshToken: (token) => (token === session?.refreshToken ? found() : null),
  rotateToken(id, newId, newRefreshToken, newData) { session = { id: newId, data: { ...session.data, ...newData }, refreshToken: newRefreshToken }; },
  deleteToken() { session = undefined; },
}, { get: (known, name) => known[name] ?? (typeof name === 'string' && !['then', 'unique'].includes(name) ? () => { throw new Error(`${name} is not needed`); } : undefined), has: () => true });

const srv = http.createServer();
await new Promise((ok) => srv.listen(0, '127.0.0.1', ok));
const issuer = `http://127.0.0.1:${srv.address().port}`;
const provider = new OAuthProvider({ issuer, keyset: [await JoseKey.generate(['ES256'], 'server')], store, safeFetch: async () => Response.json(metadata) });
srv.on('request', oauthMiddleware(provider, {}));
await provider.tokenManager.createToken(
  await provider.clientManager.getClient(clientId),
  { method: 'private_key_jwt', alg: 'ES256', kid: 'k', jkt: await calculateJwkThumbprint(clientKey.jwk, 'sha512') }, {}, account, null,
  { client_id: clientId, response_type: 'code', redirect_uri: metadata.redirect_uris[0], scope: 'atproto', dpop_jkt: await calculateJwkThumbprint(dpopKey.jwk) }, null);

const assertion = (ahead = 0) => new SignJWT({ iss: clientId, sub: clientId, aud: issuer, jti: randomUUID(), iat: now() + ahead, exp: now() + 60 })
  .setProtectedHeader({ alg: 'ES256', kid: 'k' }).sign(clientKey.privateKey);
let nonce;
const refresh = async (label, client_assertion, token = session.refreshToken, ahead = 0) => {
  const dpop = await new SignJWT({ htm: 'POST', htu: `${issuer}/oauth/token`, jti: randomUUID(), iat: now() + ahead, nonce })
    .setProtectedHeader({ alg: 'ES256', typ: 'dpop+jwt', jwk: dpopKey.jwk }).sign(dpopKey.privateKey);
  const form = { grant_type: 'refresh_token', refresh_token: token, client_id: clientId, client_assertion, client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer' };
  const r = await fetch(`${issuer}/oauth/token`, { method: 'POST', headers: { dpop }, body: new URLSearchParams(form) });
  nonce = r.headers.get('dpop-nonce') ?? nonce;
  const json = await r.json();
  console.log(`${label}: ${r.status}${json.error ? ` ${json.error} "${json.error_description}"` : ''}; login ${session ? 'lives' : 'over'}`);
};
await refresh('no nonce', await assertion());
const used = await assertion();
await refresh('nonce', used);
await refresh('the same assertion', used);
await refresh('new assertion', await assertion());
await refresh('assertion 5 s ahead', await assertion(5));
await refresh('proof a minute ahead', await assertion(), undefined, 60);
await refresh('a refresh token that is over', await assertion(), session.refreshToken.slice(0, -4) + 'aaaa');
process.exit(0);
J
node_modules/.bin/node t.mjs 2>err | tee seen
diff - seen <<'J'
no nonce: 400 use_dpop_nonce "Authorization server requires nonce in DPoP proof"; login lives
nonce: 200; login lives
the same assertion: 400 invalid_grant "private_key_jwt jti reused"; login lives
new assertion: 200; login lives
assertion 5 s ahead: 400 invalid_client "Validation of "client_assertion" failed: "iat" claim timestamp check failed (it should be in the past)"; login lives
proof a minute ahead: 200; login lives
a refresh token that is over: 400 invalid_grant "Invalid refresh token"; login lives
J
echo "as expected"

// The authorization server of the end-to-end suite: oidc-provider, which is
// certified by the OpenID Foundation, with rotation and reuse detection.
//
//   node server.mjs --journal FILE --port N --issuer URL
//
// The issuer's URL is where clients reach it. Prints one line of JSON with the
// port of its control channel, and ends when its standard input does. What it
// counts and how it is set is in the journal with the tokens, and outlives it.
//
//   POST /mint     {"client_id": ...}  a first refresh token, as after a login,
//                                      and what the client shows who it is with
//   POST /session  {"family": ...}     whether that session goes on
//   POST /revoke   {"family": ...}     ends it, as a user does elsewhere
//   POST /bound    {"access_token": ...}  what it is bound to, if it is good
//   POST /assertion  {"client_id": ...}  one that the client may show, once
//   POST /set      {"setting": N}      see the journal's settings
//   POST /kill_at_next_success         ends itself, as by `kill -9`, once it has
//                                      rotated a token, before the response leaves
//   GET  /stats                        what was asked of it

import {
  X509Certificate, createPrivateKey, generateKeyPairSync, randomBytes, randomUUID,
} from 'node:crypto';
import { createServer } from 'node:http';
import { parseArgs } from 'node:util';

import { setClock } from './clock.mjs';
import { Clients } from './clients.mjs';
import { serveControl } from './control.mjs';
import { Journal } from './journal.mjs';
import { Keys } from './keys.mjs';
import { thumbprint } from './thumbprint.mjs';

// It warns that Node 20 is no longer supported, and works all the same.
const { warn } = console;
console.warn = () => {};
const { Provider } = await import('oidc-provider');
console.warn = warn;

const { values: options } = parseArgs({
  options: {
    journal: { type: 'string' },
    port: { type: 'string' },
    issuer: { type: 'string' },
  },
});

const SCOPE = 'openid offline_access';
const journal = new Journal(options.journal);
const keys = new Keys(journal);
const clients = new Clients(keys);
setClock(journal.settings.clock_offset_s);
let killAtNextSuccess = false;
// By way of PEM. To export a generated key object itself now and then hangs Node
// 20 for ever: the collector destroys the job that made the key, and waits for
// the key's mutex, which the export holds.
const { privateKey } = generateKeyPairSync('rsa', {
  modulusLength: 2048,
  publicKeyEncoding: { type: 'spki', format: 'pem' },
  privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
});
const signing = createPrivateKey(privateKey).export({ format: 'jwk' });

// What the proxy that ends TLS says of the client's certificate: see tls_front.mjs.
const certificate = (ctx) => {
  const der = ctx.get('x-client-certificate');
  return der ? new X509Certificate(Buffer.from(der, 'base64')) : undefined;
};

const provider = new Provider(options.issuer, {
  adapter: journal.adapter((client_id) => clients.metadata(client_id)),
  clientAuthMethods: [
    'none', 'client_secret_basic', 'client_secret_post', 'client_secret_jwt', 'private_key_jwt',
    'tls_client_auth',
  ],
  enabledJWA: {
    clientAuthSigningAlgValues: ['HS256', 'ES256', 'ES384', 'RS256', 'PS256', 'EdDSA'],
  },
  cookies: { keys: [randomUUID()] },
  jwks: { keys: [{ ...signing, use: 'sig', alg: 'RS256', kid: 'e2e' }] },
  features: {
    devInteractions: { enabled: false },
    dPoP: {
      enabled: true,
      // Another after each start: nonces are forgotten.
      nonceSecret: randomBytes(32),
      requireNonce: (ctx) => clients.needsNonce(ctx.oidc.entities.Client?.clientId),
    },
    mTLS: {
      enabled: true,
      tlsClientAuth: true,
      certificateBoundAccessTokens: true,
      getCertificate: certificate,
      certificateAuthorized: (ctx) => ctx.get('x-client-verify') === 'SUCCESS',
      certificateSubjectMatches: (ctx, _property, expected) =>
        certificate(ctx).checkHost(expected) !== undefined,
    },
  },
  findAccount: (_ctx, id) => ({ accountId: id, claims: () => ({ sub: id }) }),
  rotateRefreshToken: true,
  ttl: {
    AccessToken: () => journal.settings.access_token_ttl_s,
    RefreshToken: 30 * 24 * 3600,
    Grant: 30 * 24 * 3600,
    IdToken: 3600,
    Session: 3600,
    Interaction: 3600,
  },
});
provider.on('grant.success', () => {
  journal.count('refreshed');
  if (killAtNextSuccess) process.kill(process.pid, 'SIGKILL');
});
provider.on('grant.error', (_ctx, { error }) => {
  journal.count(error === 'use_dpop_nonce' ? 'challenged' : 'refused');
});
provider.on('grant.revoked', () => journal.count('families_revoked'));
provider.on('server_error', (_ctx, error) => console.error(error));
// Node's own Date header does not follow the clock that was set.
provider.use((ctx, next) => {
  ctx.set('Date', new Date().toUTCString());
  return next();
});
const http = createServer(provider.callback());
await new Promise((resolve) => http.listen(Number(options.port), '127.0.0.1', resolve));

async function mint(client_id) {
  const accountId = `user-${randomUUID()}`;
  const grant = new provider.Grant({ accountId, clientId: client_id });
  grant.addOIDCScope(SCOPE);
  const family = await grant.save();
  const jwk = clients.dpopJwk(client_id);
  const token = new provider.RefreshToken({
    accountId,
    client: await provider.Client.find(client_id),
    grantId: family,
    gty: 'authorization_code',
    scope: SCOPE,
    // RFC 9449 section 5: those of other clients are bound to the client.
    ...(clients.isPublic(client_id) && jwk ? { jkt: thumbprint(jwk) } : {}),
  });
  return { refresh_token: await token.save(), family, ...clients.credentials(client_id) };
}

// What the access token is bound to, if the server knows it and its time is not over.
async function bound(access_token) {
  const token = await provider.AccessToken.find(access_token);
  return token ? { lives: true, jkt: token.jkt, x5t: token['x5t#S256'] } : { lives: false };
}

await serveControl({
  'POST /mint': ({ client_id }) => mint(client_id),
  'POST /session': ({ family }) => ({ lives: journal.get(`Grant:${family}`) !== undefined }),
  'POST /revoke': ({ family }) => { journal.revoke(family); return {}; },
  'POST /bound': ({ access_token }) => bound(access_token),
  'POST /assertion': ({ client_id }) => ({ assertion: keys.assertion(client_id, options.issuer) }),
  'POST /set': (settings) => {
    for (const [name, value] of Object.entries(settings)) journal.set(name, value);
    setClock(journal.settings.clock_offset_s);
    return {};
  },
  'POST /kill_at_next_success': () => { killAtNextSuccess = true; return {}; },
  'GET /stats': () => journal.counts,
});

// The authorization server of the end-to-end suite: oidc-provider, which is
// certified by the OpenID Foundation, with rotation and reuse detection.
//
//   node server.mjs --journal FILE [--port N] [--access-token-ttl-s N]
//
// Prints one line of JSON with the ports of the server and of its control
// channel, and ends when its standard input does.
//
//   POST /mint   {"client_id": ...}   a first refresh token, as after a login
//   POST /clock  {"offset_s": N}      its clock ahead, or behind
//   POST /grace  {"ms": N}            how long a used refresh token stays good
//   GET  /stats                       what was asked of it

import { createPrivateKey, generateKeyPairSync, randomUUID } from 'node:crypto';
import { createServer } from 'node:http';
import { parseArgs } from 'node:util';

import { setClock } from './clock.mjs';
import { Journal } from './journal.mjs';

// It warns that Node 20 is no longer supported, and works all the same.
const { warn } = console;
console.warn = () => {};
const { Provider } = await import('oidc-provider');
console.warn = warn;

const { values: options } = parseArgs({
  options: {
    journal: { type: 'string' },
    port: { type: 'string', default: '0' },
    'access-token-ttl-s': { type: 'string', default: '3600' },
  },
});

const SCOPE = 'openid offline_access';
const SECRET = 'a client secret with spaces, 100 % & a plus +';
const client = (client_id, method) => ({
  client_id,
  ...(method === 'none' ? {} : { client_secret: SECRET }),
  token_endpoint_auth_method: method,
  grant_types: ['authorization_code', 'refresh_token'],
  redirect_uris: ['https://app.example.com/callback'],
});

const journal = new Journal(options.journal);
const stats = { refreshed: 0, refused: 0, families_revoked: 0, last_error: null };
// By way of PEM. To export a generated key object itself now and then hangs Node
// 20 for ever: the collector destroys the job that made the key, and waits for
// the key's mutex, which the export holds.
const { privateKey } = generateKeyPairSync('rsa', {
  modulusLength: 2048,
  publicKeyEncoding: { type: 'spki', format: 'pem' },
  privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
});
const key = createPrivateKey(privateKey).export({ format: 'jwk' });

// The port must be known before the issuer's name can be.
const http = createServer();
await new Promise((resolve) => http.listen(Number(options.port), '127.0.0.1', resolve));
const { port } = http.address();

const provider = new Provider(`http://127.0.0.1:${port}`, {
  adapter: journal.adapter(),
  clients: [
    client('public', 'none'),
    client('basic', 'client_secret_basic'),
    client('post', 'client_secret_post'),
  ],
  cookies: { keys: [randomUUID()] },
  jwks: { keys: [{ ...key, use: 'sig', alg: 'RS256', kid: 'e2e' }] },
  features: { devInteractions: { enabled: false } },
  findAccount: (_ctx, id) => ({ accountId: id, claims: () => ({ sub: id }) }),
  rotateRefreshToken: true,
  ttl: {
    AccessToken: Number(options['access-token-ttl-s']),
    RefreshToken: 30 * 24 * 3600,
    Grant: 30 * 24 * 3600,
    IdToken: 3600,
    Session: 3600,
    Interaction: 3600,
  },
});
provider.on('grant.success', () => { stats.refreshed += 1; });
provider.on('grant.error', (_ctx, error) => {
  stats.refused += 1;
  stats.last_error = `${error.message}: ${error.error_detail}`;
});
provider.on('grant.revoked', () => { stats.families_revoked += 1; });
provider.on('server_error', (_ctx, error) => console.error(error));
// Node's own Date header does not follow the clock that was set.
provider.use((ctx, next) => {
  ctx.set('Date', new Date().toUTCString());
  return next();
});
http.on('request', provider.callback());

async function mint(client_id) {
  const accountId = `user-${randomUUID()}`;
  const grant = new provider.Grant({ accountId, clientId: client_id });
  grant.addOIDCScope(SCOPE);
  const token = new provider.RefreshToken({
    accountId,
    client: await provider.Client.find(client_id),
    grantId: await grant.save(),
    gty: 'authorization_code',
    scope: SCOPE,
  });
  return { refresh_token: await token.save(), client_secret: SECRET };
}

const routes = {
  'POST /mint': ({ client_id }) => mint(client_id),
  'POST /clock': ({ offset_s }) => { setClock(offset_s); return {}; },
  'POST /grace': ({ ms }) => { journal.graceMs = ms; return {}; },
  'GET /stats': () => ({ ...stats, replays: journal.replays }),
};
const control = createServer(async (request, response) => {
  let body = '';
  for await (const chunk of request) body += chunk;
  const route = routes[`${request.method} ${request.url}`];
  const answer = route ? await route(body ? JSON.parse(body) : {}) : { error: 'no such route' };
  response.writeHead(route ? 200 : 404, { 'content-type': 'application/json' });
  response.end(JSON.stringify(answer));
});
await new Promise((resolve) => control.listen(0, '127.0.0.1', resolve));

console.log(JSON.stringify({ port, control_port: control.address().port }));
process.stdin.resume();
process.stdin.on('end', () => process.exit(0));

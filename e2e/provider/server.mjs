// The authorization server of the end-to-end suite: oidc-provider, which is
// certified by the OpenID Foundation, with rotation and reuse detection.
//
//   node server.mjs --journal FILE --port N
//
// Prints one line of JSON with the port of its control channel, and ends when
// its standard input does. What it counts and how it is set is in the journal
// with the tokens, and outlives it.
//
//   POST /mint     {"client_id": ...}  a first refresh token, as after a login
//   POST /session  {"family": ...}     whether that session goes on
//   POST /revoke   {"family": ...}     ends it, as a user does elsewhere
//   POST /set      {"setting": N}      see the journal's settings
//   POST /kill_at_next_success         ends itself, as by `kill -9`, once it has
//                                      rotated a token, before the response leaves
//   GET  /stats                        what was asked of it

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
    port: { type: 'string' },
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
const key = createPrivateKey(privateKey).export({ format: 'jwk' });

const provider = new Provider(`http://127.0.0.1:${options.port}`, {
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
provider.on('grant.error', () => journal.count('refused'));
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
  const token = new provider.RefreshToken({
    accountId,
    client: await provider.Client.find(client_id),
    grantId: family,
    gty: 'authorization_code',
    scope: SCOPE,
  });
  return { refresh_token: await token.save(), client_secret: SECRET, family };
}

const routes = {
  'POST /mint': ({ client_id }) => mint(client_id),
  'POST /session': ({ family }) => ({ lives: journal.get(`Grant:${family}`) !== undefined }),
  'POST /revoke': ({ family }) => { journal.revoke(family); return {}; },
  'POST /set': (settings) => {
    for (const [name, value] of Object.entries(settings)) journal.set(name, value);
    setClock(journal.settings.clock_offset_s);
    return {};
  },
  'POST /kill_at_next_success': () => { killAtNextSuccess = true; return {}; },
  'GET /stats': () => journal.counts,
};
const control = createServer(async (request, response) => {
  let body = '';
  for await (const chunk of request) body += chunk;
  const route = routes[`${request.method} ${request.url}`];
  const result = route ? await route(body ? JSON.parse(body) : {}) : { error: 'no such route' };
  response.writeHead(route ? 200 : 404, { 'content-type': 'application/json' });
  response.end(JSON.stringify(result));
});
await new Promise((resolve) => control.listen(0, '127.0.0.1', resolve));

console.log(JSON.stringify({ control_port: control.address().port }));
process.stdin.resume();
process.stdin.on('end', () => process.exit(0));

// The authorization server of Bluesky's servers, @atproto/oauth-provider. DPoP
// and its nonces are compulsory there, and it knows no grace: a refresh token
// that is spent ends the session, and so does a refresh that fails after it was
// looked up.
//
//   node atproto.mjs --journal FILE --port N --issuer URL
//
// A proof must name the token endpoint below the issuer's URL. All else is as
// server.mjs says.

import { createServer } from 'node:http';
import { parseArgs } from 'node:util';

import { setClock } from './clock.mjs';
import { atprotoStore } from './atproto_store.mjs';
import { serveControl } from './control.mjs';
import { Journal } from './journal.mjs';
import { Keys } from './keys.mjs';
import { thumbprint } from './thumbprint.mjs';

const { JoseKey, OAuthProvider, oauthMiddleware } = await import('@atproto/oauth-provider');

const { values: options } = parseArgs({
  options: {
    journal: { type: 'string' },
    port: { type: 'string' },
    issuer: { type: 'string' },
  },
});

const REDIRECT_URI = 'https://app.example.com/callback';
// By the URL of the document that says so, as it is there.
const METHODS = {
  'https://app.example.com/public.json': 'none',
  'https://app.example.com/confidential.json': 'private_key_jwt',
};

const journal = new Journal(options.journal);
const keys = new Keys(journal);
setClock(journal.settings.clock_offset_s);
let killAtNextSuccess = false;

function metadata(client_id) {
  const method = METHODS[client_id];
  return {
    client_id,
    application_type: 'web',
    dpop_bound_access_tokens: true,
    grant_types: ['authorization_code', 'refresh_token'],
    redirect_uris: [REDIRECT_URI],
    response_types: ['code'],
    scope: 'atproto',
    token_endpoint_auth_method: method,
    ...(method === 'private_key_jwt' ? {
      token_endpoint_auth_signing_alg: 'ES256',
      jwks: { keys: [keys.publicJwk(client_id, 'ES256')] },
    } : {}),
  };
}

const store = atprotoStore(journal);
const provider = new OAuthProvider({
  issuer: options.issuer,
  keyset: [await JoseKey.fromImportable(keys.privatePem('server', 'ES256'), 'server')],
  store,
  // In place of the network, where it looks for clients.
  safeFetch: async (request) => Response.json(metadata(new Request(request).url)),
  // A nonce is good for three intervals at most. Their secret is another after
  // each start: nonces are forgotten.
  dpopRotationInterval: 1000,
  tokenMaxAge: journal.settings.access_token_ttl_s * 1000,
  onTokenRefreshed: () => {
    journal.count('refreshed');
    if (killAtNextSuccess) process.kill(process.pid, 'SIGKILL');
  },
});
const handler = oauthMiddleware(provider, {
  onError: (_request, _response, error, message) => {
    if (error.error === undefined) console.error(message, error);
    journal.count(error.error === 'use_dpop_nonce' ? 'challenged' : 'refused');
  },
});
const http = createServer((request, response) => {
  // Node's own does not follow the clock that was set.
  response.setHeader('Date', new Date().toUTCString());
  handler(request, response);
});
await new Promise((resolve) => http.listen(Number(options.port), '127.0.0.1', resolve));

async function mint(client_id) {
  const client = await provider.clientManager.getClient(client_id);
  const assertionJwk = keys.publicJwk(client_id, 'ES256');
  const method = METHODS[client_id];
  const clientAuth = method === 'none' ? { method } : {
    method,
    alg: 'ES256',
    kid: client_id,
    jkt: thumbprint(assertionJwk, 'sha512'),
  };
  const parameters = {
    client_id,
    response_type: 'code',
    redirect_uri: REDIRECT_URI,
    scope: 'atproto',
    dpop_jkt: thumbprint(keys.publicJwk(`${client_id}.dpop`, 'ES256')),
  };
  const tokens = await provider.tokenManager.createToken(
    client, clientAuth, {}, store.account, null, parameters, null);
  return {
    refresh_token: tokens.refresh_token,
    family: journal.get(`RefreshToken:${tokens.refresh_token}`).grantId,
    client_secret: '',
    ...(method === 'none' ? {} : {
      key: keys.privatePem(client_id, 'ES256'),
      key_id: client_id,
    }),
    dpop_key: keys.privatePem(`${client_id}.dpop`, 'ES256'),
  };
}

async function bound(access_token) {
  try {
    const { payload } = await provider.signer.verifyAccessToken(access_token);
    return { lives: true, jkt: payload.cnf.jkt };
  } catch {
    return { lives: false };
  }
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

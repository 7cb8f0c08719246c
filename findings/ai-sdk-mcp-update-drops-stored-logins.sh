#!/bin/bash
# Package:   @ai-sdk/mcp 2.0.99 after 1.0.0 (npm), HTTP transport with an OAuthClientProvider and one
#            store. 1.0.102 behaves as 2.0.99
# Behaviour: 1.0.0 refreshes and stores the members of the token response. 2.0.99 also stores which
#            authorization server the tokens belong to. When that is missing beside a stored token,
#            the first 401 deletes the token and asks for a login. The refresh token is not sent,
#            and the server has accepted it a moment before.
# Matters:   An update logs every user out at the next expiry. So does moving a token in from another
#            client, as @modelcontextprotocol/client 2.4.0 stores fewer members. Whoever moves tokens
#            in must add authorization_server and token_endpoint: then it refreshes.
# Guess:     The new version refreshes with the stored refresh token, and adds what it needs.
# Seen:      1.0.0: ok, r1 sent / 2.0.99: UnauthorizedError, tokens deleted, login asked for, nothing sent
#            2.0.99 with the two members added: ok, r2 sent
# Duration:  seconds without install.
set -euo pipefail
T=$(mktemp -d); trap 'rm -rf "$T"' EXIT; cd "$T"
npm init -y >/dev/null; npm i --silent --no-audit --no-fund before@npm:@ai-sdk/mcp@1.0.0 after@npm:@ai-sdk/mcp@2.0.99 node@24.18.0
cat > t.mjs <<'J'
import * as before from 'before';
import * as after from 'after';
import http from 'node:http';
let base, n = 1, known = 'a1', seen = [];
const srv = http.createServer(async (q, r) => {
  let body = '';
  for await (const c of q) body += c;
  const answer = (status, json) => {
    r.writeHead(status, { 'content-type': 'application/json', ...(status === 401 && { 'www-authenticate': 'Bearer error="invalid_token"' }) });
    r.end(json && JSON.stringify(json));
  };
  if (q.url.startsWith('/.well-known/oauth-protected-resource')) return answer(200, { resource: base + '/mcp', authorization_servers: [base] });
  if (q.url.startsWith('/.well-known/oauth-authorization-server')) return answer(200, {
    issuer: base, authorization_endpoint: base + '/authorize', token_endpoint: base + '/token', response_types_supported: ['code'],
    grant_types_supported: ['authorization_code', 'refresh_token'], code_challenge_methods_supported: ['S256'], token_endpoint_auth_methods_supported: ['none'],
  });
  if (q.url === '/token') {
    const rt = new URLSearchParams(body).get('refresh_token');
    seen.push(`${rt} sent`);
    if (rt !== `r${n}`) return answer(400, { error: 'invalid_grant' });
    n += 1;
    known = `a${n}`;
    return answer(200, { access_token: known, refresh_token: `r${n}`, token_type: 'Bearer', expires_in: 3600 });
  }
  if (q.method !== 'POST') return answer(405);
  if (q.headers.authorization !== `Bearer ${known}`) return answer(401);
  const m = JSON.parse(body);
  if (m.id === undefined) return answer(202);
  answer(200, { jsonrpc: '2.0', id: m.id, result: m.method === 'initialize'
    ? { protocolVersion: m.params.protocolVersion, capabilities: { tools: {} }, serverInfo: { name: 's', version: '1' } }
    : { tools: [] } });
});
await new Promise((ok) => srv.listen(0, '127.0.0.1', ok));
base = `http://127.0.0.1:${srv.address().port}`;
let tokens = { access_token: 'a1', refresh_token: 'r1', token_type: 'Bearer', expires_in: 3600 };
const authProvider = {
  redirectUrl: 'http://127.0.0.1/cb', clientMetadata: { redirect_uris: ['http://127.0.0.1/cb'] },
  clientInformation: () => ({ client_id: 'c' }), saveClientInformation() {},
  tokens: () => tokens, saveTokens: (t) => { seen.push(`saved ${t.access_token}`); tokens = t; },
  invalidateCredentials: (what) => { seen.push(`deleted ${what}`); if (what === 'tokens') tokens = undefined; },
  redirectToAuthorization: () => { seen.push('login asked for'); }, saveCodeVerifier() {}, codeVerifier: () => 'v',
};
const run = async (name, create) => {
  known = 'none'; // the access token has expired
  const result = await create({ transport: { type: 'http', url: base + '/mcp', authProvider } })
    .then((client) => client.listTools()).then(() => 'ok', (e) => e.constructor.name);
  console.log(`${name}: ${result}; ${seen.splice(0).join(', ')}`);
};
await run('1.0.0', before.experimental_createMCPClient);
const stored = tokens;
console.log('  stored:', Object.keys(stored).join(' '));
await run('2.0.99', after.createMCPClient);
console.log('  stored:', tokens ? Object.keys(tokens).join(' ') : 'nothing');
tokens = { ...stored, authorization_server: base + '/', token_endpoint: base + '/token' };
await run('2.0.99 with the two members added', after.createMCPClient);
process.exit(0);
J
node_modules/.bin/node t.mjs 2>log | tee seen || { cat log; exit 1; }
diff - seen <<'J'
1.0.0: ok; r1 sent, saved a2
  stored: access_token token_type expires_in refresh_token
2.0.99: UnauthorizedError; deleted tokens, login asked for
  stored: nothing
2.0.99 with the two members added: ok; r2 sent, saved a3
J
echo "as expected"

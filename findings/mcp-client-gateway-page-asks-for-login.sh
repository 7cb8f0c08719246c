#!/bin/bash
# Package:   @modelcontextprotocol/client 2.4.0 (npm), Streamable HTTP with an OAuthClientProvider
# Behaviour: The access token has expired and the token endpoint is down for a moment. When it
#            answers 503 with a JSON body, the call fails with OAuthError and nothing else happens.
#            When a gateway in front of it answers 502, 503 or 429 with a page of its own, the client
#            gives the refresh up and sends the user to the login. The refresh token is still good:
#            the next call refreshes with it.
# Matters:   Gateways answer with HTML, so most short outages take this way. An agent that runs
#            without a user stops there, although trying again later is all it takes. A provider
#            that is asked for a login should keep the stored tokens: they may still be good.
# Guess:     A 502 page is treated as the 503 in JSON: an error for the caller, no login.
# Seen:      503 JSON: OAuthError, no login / 502, 503, 429 HTML: UnauthorizedError, login asked for
#            in all four cases the next call is ok, with the stored refresh token r1
# Duration:  seconds without install.
set -euo pipefail
T=$(mktemp -d); trap 'rm -rf "$T"' EXIT; cd "$T"
npm init -y >/dev/null; npm i --silent --no-audit --no-fund @modelcontextprotocol/client@2.4.0 node@24.18.0
cat > t.mjs <<'J'
import { Client, StreamableHTTPClientTransport } from '@modelcontextprotocol/client';
import http from 'node:http';
for (const outage of ['503 JSON', '502 HTML', '503 HTML', '429 HTML']) {
  let base, tokens, down = true, known = 'a1', logins = 0;
  const sent = [];
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
      const [status, kind] = outage.split(' ');
      if (down && kind === 'JSON') return answer(Number(status), { error: 'temporarily_unavailable' });
      if (down) {
        r.writeHead(Number(status), { 'content-type': 'text/html' });
        return r.end('<html><body><h1>Please try again later</h1></body></html>');
      }
      sent.push(new URLSearchParams(body).get('refresh_token'));
      known = 'a2';
      return answer(200, { access_token: 'a2', refresh_token: 'r2', token_type: 'Bearer', expires_in: 3600 });
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
  tokens = { access_token: 'a1', refresh_token: 'r1', token_type: 'Bearer', expires_in: 3600, issuer: base };
  const authProvider = {
    redirectUrl: 'http://127.0.0.1/cb', clientMetadata: { redirect_uris: ['http://127.0.0.1/cb'] },
    clientInformation: () => ({ client_id: 'c', issuer: base }), saveClientInformation() {},
    tokens: () => tokens, saveTokens: (t) => { tokens = t; },
    redirectToAuthorization: () => { logins += 1; }, saveCodeVerifier() {}, codeVerifier: () => 'v',
  };
  const client = new Client({ name: 'c', version: '1' });
  await client.connect(new StreamableHTTPClientTransport(new URL(base + '/mcp'), { authProvider }));
  known = 'none';
  const call = () => client.listTools().then(() => 'ok', (e) => e.constructor.name);
  const during = await call();
  const asked = logins;
  down = false;
  console.log(`${outage}: ${during}, logins asked for ${asked}; next call: ${await call()}, refresh token sent ${sent.join(' ')}`);
  srv.close();
  srv.closeAllConnections();
}
process.exit(0);
J
node_modules/.bin/node t.mjs 2>log | tee seen || { cat log; exit 1; }
diff - seen <<'J'
503 JSON: OAuthError, logins asked for 0; next call: ok, refresh token sent r1
502 HTML: UnauthorizedError, logins asked for 1; next call: ok, refresh token sent r1
503 HTML: UnauthorizedError, logins asked for 1; next call: ok, refresh token sent r1
429 HTML: UnauthorizedError, logins asked for 1; next call: ok, refresh token sent r1
J
echo "as expected"

#!/bin/bash
# Package:   mcp-remote 0.15.1 (npm), two processes with one server, as two desktop programs start them
# Behaviour: Both meet the end of the access token at once and refresh with r1; the server rotates. The one that
#            is refused deletes the token file, which by then holds the other's new tokens, and asks the
#            user to log in. The winner's call is answered, but its next one finds no file and asks
#            for a login too, though it was given a2 and r2 a moment ago. Until somebody logs
#            in neither works. If they refresh one after the other, the second reads the new token from the file.
# Matters:   A lost race costs the winner its login, so one expiry ends both. A token may be deleted
#            only if the store still holds the one that was refused.
# Guess:     The winner goes on with its tokens, and refreshes with r2 next.
# Seen:      in turn: r1 sent once, no login / at once: r1 twice, file gone, login asked by both
# Duration:  about 20 seconds without install.
set -euo pipefail
T=$(mktemp -d); trap 'rm -rf "$T"' EXIT; cd "$T"
npm init -y >/dev/null; npm i --silent --no-audit --no-fund mcp-remote@0.15.1 node@24.18.0
cat > t.mjs <<'J'
import http from 'node:http';
import fs from 'node:fs';
import { spawn } from 'node:child_process';
const wait = (ms) => new Promise((ok) => setTimeout(ok, ms));
let base, n, known, sent;
const srv = http.createServer(async (q, r) => {
  let body = '';
  for await (const c of q) body += c;
  const answer = (status, json, headers) => {
    r.writeHead(status, { 'content-type': 'application/json', ...headers });
    r.end(json && JSON.stringify(json));
  };
  const url = new URL(q.url, base);
  if (url.pathname.startsWith('/.well-known/oauth-protected-resource')) return answer(200, { resource: `${base}/mcp`, authorization_servers: [base] });
  if (url.pathname.startsWith('/.well-known/')) return answer(200, {
    issuer: base, authorization_endpoint: `${base}/authorize`, token_endpoint: `${base}/token`, registration_endpoint: `${base}/register`,
    response_types_supported: ['code'], grant_types_supported: ['authorization_code', 'refresh_token'],
    code_challenge_methods_supported: ['S256'], token_endpoint_auth_methods_supported: ['none'],
  });
  if (url.pathname === '/register') return answer(201, { ...JSON.parse(body), client_id: 'c' });
  if (url.pathname === '/authorize') return answer(302, undefined, { location: `${url.searchParams.get('redirect_uri')}?code=x&state=${url.searchParams.get('state') ?? ''}` });
  if (url.pathname === '/token') {
    const form = new URLSearchParams(body);
    if (form.get('grant_type') === 'refresh_token') {
      sent.push(form.get('refresh_token'));
      const good = sent.at(-1) === `r${n}`;
      if (good) n += 1;
      await wait(good ? 500 : 2000);
      if (!good) return answer(400, { error: 'invalid_grant' });
    }
    known = `a${n}`;
    return answer(200, { access_token: known, refresh_token: `r${n}`, token_type: 'Bearer', expires_in: 3600 });
  }
  if (q.method !== 'POST') return answer(405);
  if (q.headers.authorization !== `Bearer ${known}`) return answer(401, {}, { 'www-authenticate': 'Bearer error="invalid_token"' });
  const m = JSON.parse(body);
  if (m.id === undefined) return answer(202);
  answer(200, { jsonrpc: '2.0', id: m.id, result: m.method === 'initialize'
    ? { protocolVersion: m.params.protocolVersion, capabilities: { tools: {} }, serverInfo: { name: 's', version: '1' } } : { tools: [] } });
});
await new Promise((ok) => srv.listen(0, '127.0.0.1', ok));
base = `http://127.0.0.1:${srv.address().port}`;

let userIsThere = true;
class Remote {
  logins = 0; id = 0; waiting = {};
  constructor(dir) {
    // Nothing is found in this PATH, so no browser is opened; the login's address is printed.
    this.process = spawn('node_modules/node/bin/node', ['node_modules/mcp-remote/dist/proxy.js', `${base}/mcp`, '--allow-http'],
      { env: { PATH: '/nonexistent', HOME: dir, MCP_REMOTE_CONFIG_DIR: dir } });
    let out = '';
    this.process.stdout.on('data', (data) => {
      const lines = (out += data).split('\n');
      out = lines.pop();
      for (const line of lines) { const m = JSON.parse(line); this.waiting[m.id]?.(m); }
    });
    let text = '';
    this.process.stderr.on('data', (data) => {
      const lines = (text += data).split('\n');
      text = lines.pop();
      for (const line of lines) {
        const login = line.match(/http:\S+\/authorize\?\S+/);
        if (!login) continue;
        this.logins += 1;
        if (userIsThere) setTimeout(() => fetch(login[0]), 300);
      }
    });
  }
  send(message) { this.process.stdin.write(JSON.stringify({ jsonrpc: '2.0', ...message }) + '\n'); }
  call(method, params = {}) {
    const id = ++this.id;
    const reply = new Promise((ok) => { this.waiting[id] = (m) => ok(m.error ? 'error' : 'ok'); });
    this.send({ id, method, params });
    return Promise.race([reply, wait(method === 'initialize' ? 30000 : 5000).then(() => 'waits for the login')]);
  }
  async start() {
    await this.call('initialize', { protocolVersion: '2025-06-18', capabilities: {}, clientInfo: { name: 'x', version: '1' } });
    this.send({ method: 'notifications/initialized' });
    await this.call('tools/list');
    this.logins = 0;
    return this;
  }
}
for (const how of ['in turn', 'at once']) {
  n = 1; sent = []; userIsThere = true;
  const dir = fs.mkdtempSync('store');
  const stored = () => fs.readdirSync(dir, { recursive: true }).filter((f) => f.endsWith('tokens.json'))
    .map((f) => JSON.parse(fs.readFileSync(`${dir}/${f}`)).refresh_token).join(' ') || 'nothing';
  const both = [await new Remote(dir).start(), await new Remote(dir).start()];
  const before = stored();
  userIsThere = false;
  known = 'none';
  const got = how === 'in turn' ? [await both[0].call('tools/list'), await both[1].call('tools/list')] : await Promise.all(both.map((p) => p.call('tools/list')));
  const logins = both.map((p) => p.logins);
  if (got[0] !== 'ok') { both.reverse(); got.reverse(); logins.reverse(); }
  console.log(`${how}: stored ${before}; sent ${sent.join(' ')}; one: ${got[0]}, logins asked ${logins[0]}; other: ${got[1]}, logins asked ${logins[1]}; stored ${stored()}`);
  const next = await both[0].call('tools/list');
  console.log(`${how}: the one again: ${next}, logins asked ${both[0].logins}; sent ${sent.join(' ')}`);
  for (const p of both) p.process.kill();
}
process.exit(0);
J
node_modules/.bin/node t.mjs | tee seen
diff - seen <<'J'
in turn: stored r1; sent r1; one: ok, logins asked 0; other: ok, logins asked 0; stored r2
in turn: the one again: ok, logins asked 0; sent r1
at once: stored r1; sent r1 r1; one: ok, logins asked 0; other: waits for the login, logins asked 1; stored nothing
at once: the one again: waits for the login, logins asked 1; sent r1 r1
J
echo "as expected"

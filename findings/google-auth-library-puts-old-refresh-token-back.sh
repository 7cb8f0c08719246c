#!/bin/bash
# Package:   google-auth-library 11.3.4 (npm), OAuth2Client at a server that rotates refresh tokens; and
#            google-auth 2.63.0 (PyPI) for comparison
# Behaviour: The response to a refresh brings refresh token r2. The client puts r1 back in its place
#            and sends r1 again the next time. The `tokens` event hands out the same object, before
#            that. A listener that reads it at once sees r2. A listener that reads it after an await
#            sees r1. The Python library of the same name keeps r2.
# Matters:   Endpoints can be set, so the client is used with servers other than Google's. With
#            single-use refresh tokens the second refresh fails. A listener must copy what it gets
#            before its first await, and hand the new token to the client with setCredentials.
# Guess:     The object in the event carries r2 whenever it is read. (That the client itself goes back
#            to r1 was seen before a guess about it was written.)
# Seen:      node: refresh tokens sent r1 r1; event at once r2, later r1 / python: sent r1 r2
# Duration:  seconds without install.
set -euo pipefail
T=$(mktemp -d); trap 'rm -rf "$T"' EXIT; cd "$T"
npm init -y >/dev/null; npm i --silent --no-audit --no-fund google-auth-library@11.3.4 node@24.18.0
python3 -m venv v && v/bin/pip -q install google-auth==2.63.0 requests
cat > t.mjs <<'J'
import { OAuth2Client } from 'google-auth-library';
import { execFile } from 'node:child_process';
import http from 'node:http';
let sent = [];
const srv = http.createServer(async (q, r) => {
  let body = '';
  for await (const c of q) body += c;
  sent.push(new URLSearchParams(body).get('refresh_token'));
  const n = sent.length + 1;
  r.writeHead(200, { 'content-type': 'application/json' });
  r.end(JSON.stringify({ access_token: `a${n}`, refresh_token: `r${n}`, token_type: 'Bearer', expires_in: 3600 }));
});
await new Promise((ok) => srv.listen(0, '127.0.0.1', ok));
const url = `http://127.0.0.1:${srv.address().port}/token`;
const client = new OAuth2Client({ clientId: 'c', clientSecret: 's', endpoints: { oauth2TokenUrl: url } });
let given;
client.on('tokens', (tokens) => { given ??= tokens; console.log(`node: event at once: ${tokens.access_token} ${tokens.refresh_token}`); });
client.setCredentials({ access_token: 'a1', refresh_token: 'r1', expiry_date: Date.now() - 10000 });
for (let i = 0; i < 2; i++) {
  await client.getAccessToken();
  console.log(`node: client: ${client.credentials.access_token} ${client.credentials.refresh_token}`);
  client.credentials.expiry_date = Date.now() - 10000;
}
console.log(`node: object of the first event, read later: ${given.access_token} ${given.refresh_token}`);
console.log(`node: refresh tokens sent: ${sent.join(' ')}`);
sent = [];
await new Promise((ok, fail) => execFile('v/bin/python', ['t.py', url], (e, out, err) => {
  process.stdout.write(out);
  e ? fail(new Error(err)) : ok();
}));
console.log(`python: refresh tokens sent: ${sent.join(' ')}`);
process.exit(0);
J
cat > t.py <<'P'
import sys
from google.auth.transport.requests import Request
from google.oauth2.credentials import Credentials
c = Credentials("a1", refresh_token="r1", token_uri=sys.argv[1], client_id="c", client_secret="s")
for _ in range(2):
    c.refresh(Request())
    print("python: client:", c.token, c.refresh_token)
P
node_modules/.bin/node t.mjs | tee seen
diff - seen <<'J'
node: event at once: a2 r2
node: client: a2 r1
node: event at once: a3 r3
node: client: a3 r1
node: object of the first event, read later: a2 r1
node: refresh tokens sent: r1 r1
python: client: a2 r2
python: client: a3 r3
python: refresh tokens sent: r1 r2
J
echo "as expected"

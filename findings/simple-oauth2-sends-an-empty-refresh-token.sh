#!/bin/bash
# Package:   simple-oauth2 5.1.0 (npm), AccessToken.refresh()
# Behaviour: The response to a refresh has no refresh_token, which means that the old one stays in
#            use (RFC 6749 section 6). The new AccessToken has none. Its refresh() raises nothing on
#            this side: it sends `refresh_token=` with an empty value.
# Matters:   The first refresh succeeds, so a short test passes. The second one, an hour later, gets
#            invalid_request or invalid_grant from the server, and looks like a revoked login. The
#            caller must carry the old token over, as with many providers a refresh brings none.
# Guess:     The second refresh() raises an error before it sends anything.
# Seen:      bodies sent: refresh_token=r1, then refresh_token= ; with the old token carried over:
#            refresh_token=r1 both times
# Duration:  seconds without install.
set -euo pipefail
T=$(mktemp -d); trap 'rm -rf "$T"' EXIT; cd "$T"
npm init -y >/dev/null; npm i --silent --no-audit --no-fund simple-oauth2@5.1.0
cat > t.js <<'J'
const { AuthorizationCode } = require('simple-oauth2');
const http = require('http');
let bodies = [], n = 1;
const srv = http.createServer(async (q, r) => {
  let body = '';
  for await (const c of q) body += c;
  bodies.push(body);
  const sent = new URLSearchParams(body).get('refresh_token');
  r.writeHead(sent === 'r1' ? 200 : 400, { 'content-type': 'application/json' });
  r.end(JSON.stringify(sent === 'r1' ? { access_token: `a${++n}`, token_type: 'Bearer', expires_in: 3600 } : { error: 'invalid_request' }));
});
srv.listen(0, '127.0.0.1', async () => {
  const oauth = new AuthorizationCode({ client: { id: 'c', secret: 's' }, auth: { tokenHost: `http://127.0.0.1:${srv.address().port}`, tokenPath: '/token' } });
  for (const carry of [false, true]) {
    let token = oauth.createToken({ access_token: 'a1', refresh_token: 'r1', token_type: 'Bearer', expires_in: -10 });
    const results = [];
    for (let i = 0; i < 2; i++) {
      try {
        const next = await token.refresh();
        token = carry ? oauth.createToken({ ...next.token, refresh_token: next.token.refresh_token ?? token.token.refresh_token }) : next;
        results.push(token.token.access_token);
      } catch (e) {
        results.push(e.data?.payload?.error ?? e.message);
      }
    }
    console.log(carry ? 'old token carried over:' : 'as it is:', results.join(', '));
    for (const b of bodies.splice(0)) console.log('  ' + b);
  }
  process.exit(0);
});
J
node t.js | tee seen
diff - seen <<'J'
as it is: a2, invalid_request
  grant_type=refresh_token&refresh_token=r1
  grant_type=refresh_token&refresh_token=
old token carried over: a3, a4
  grant_type=refresh_token&refresh_token=r1
  grant_type=refresh_token&refresh_token=r1
J
echo "as expected"

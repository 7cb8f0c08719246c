#!/bin/bash
# Package:   @octokit/auth-oauth-user 6.0.4 with @octokit/request 10.0.16 (npm), a GitHub App's user token
# Behaviour: The expiry is computed from the Date header of the response, not from the local
#            clock. A response without Date is answered with RangeError: Invalid time value. The
#            request was made, and the new tokens in the response are dropped.
# Matters:   A server without a clock must not send Date (RFC 9110 section 6.6.1), and a mock or a
#            gateway may leave it out. The refresh token is spent by then, so the login is lost
#            through a header that has nothing to do with the token.
# Guess:     The refresh succeeds; the local clock is used.
# Seen:      with Date: ghu_2 / without Date: RangeError, 1 request made, next call sends ghr_1 again
# Duration:  seconds without install.
set -euo pipefail
T=$(mktemp -d); trap 'rm -rf "$T"' EXIT; cd "$T"
npm init -y >/dev/null; npm i --silent --no-audit --no-fund @octokit/auth-oauth-user@6.0.4 @octokit/request@10.0.16
cat > t.mjs <<'J'
import { createOAuthUserAuth } from '@octokit/auth-oauth-user';
import { request } from '@octokit/request';
import http from 'node:http';
for (const date of ['with', 'without']) {
  const sent = [];
  const srv = http.createServer(async (q, r) => {
    let body = '';
    for await (const c of q) body += c;
    sent.push(JSON.parse(body).refresh_token);
    r.sendDate = date === 'with';
    r.writeHead(200, { 'content-type': 'application/json' });
    r.end(JSON.stringify({ access_token: 'ghu_2', refresh_token: 'ghr_2', token_type: 'bearer', scope: '', expires_in: 28800, refresh_token_expires_in: 15811200 }));
  });
  await new Promise((ok) => srv.listen(0, '127.0.0.1', ok));
  const auth = createOAuthUserAuth({
    clientType: 'github-app', clientId: 'lv1.1234567890abcdef', clientSecret: 'secret',
    token: 'ghu_1', refreshToken: 'ghr_1', expiresAt: new Date(Date.now() - 5000).toISOString(), refreshTokenExpiresAt: new Date(Date.now() + 9e8).toISOString(),
    request: request.defaults({ baseUrl: `http://127.0.0.1:${srv.address().port}` }),
  });
  const results = [];
  for (let i = 0; i < 2; i++) {
    try {
      results.push((await auth()).token);
    } catch (e) {
      results.push(e.name);
    }
  }
  console.log(`${date} Date: ${results.join(', ')}; refresh tokens sent ${sent.join(' ')}`);
  srv.close();
  srv.closeAllConnections();
}
J
node t.mjs | tee seen
diff - seen <<'J'
with Date: ghu_2, ghu_2; refresh tokens sent ghr_1
without Date: RangeError, RangeError; refresh tokens sent ghr_1 ghr_1
J
echo "as expected"

#!/bin/bash
# Package:   @badgateway/oauth2-client 3.3.1 (npm)
# Behaviour: OAuth2Fetch reads the stored token through an asynchronous getStoredToken.
#            getToken(), called while that read is still running, does not wait for it. It sees
#            no token, sends no refresh, and calls getNewToken, which starts a login. Its twin
#            getAccessToken() waits, and refreshes with the stored token.
# Matters:   A program that starts and asks for a token at once sends its user to a login
#            although the store holds a valid refresh token. Which of two getters is called
#            decides that.
# Guess:     Both wait for the store and send one refresh request.
# Seen:      getToken: logins 1, refreshes 0 / getAccessToken: logins 0, refreshes 1
# Duration:  seconds without install.
set -euo pipefail
T=$(mktemp -d); trap 'rm -rf "$T"' EXIT; cd "$T"
npm init -y >/dev/null; npm i --silent --no-audit --no-fund @badgateway/oauth2-client@3.3.1
cat > t.mjs <<'J'
import { OAuth2Client, OAuth2Fetch } from '@badgateway/oauth2-client';
import http from 'node:http';
for (const getter of ['getToken', 'getAccessToken']) {
  let refreshes = 0, logins = 0;
  const srv = http.createServer((q, r) => {
    q.resume().on('end', () => {
      refreshes++;
      r.writeHead(200, { 'content-type': 'application/json' });
      r.end(JSON.stringify({ access_token: 'a2', refresh_token: 'r2', expires_in: 60, token_type: 'bearer' }));
    });
  });
  await new Promise((ok) => srv.listen(0, '127.0.0.1', ok));
  const client = new OAuth2Client({ server: `http://127.0.0.1:${srv.address().port}/`, tokenEndpoint: '/token', clientId: 'client', clientSecret: 'secret' });
  const f = new OAuth2Fetch({
    client,
    scheduleRefresh: false,
    getStoredToken: async () => ({ accessToken: 'a1', refreshToken: 'r1', expiresAt: Date.now() - 1000 }),
    getNewToken: async () => { logins++; return { accessToken: 'login', refreshToken: 'r-login', expiresAt: Date.now() + 60000 }; },
  });
  await f[getter]();
  console.log(`${getter}: logins ${logins}, refreshes ${refreshes}`);
  srv.close();
  srv.closeAllConnections();
}
J
node t.mjs | tee seen
diff - seen <<'J'
getToken: logins 1, refreshes 0
getAccessToken: logins 0, refreshes 1
J
echo "as expected"

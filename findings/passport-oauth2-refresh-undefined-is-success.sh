#!/bin/bash
# Package:   passport-oauth2-refresh 2.2.0, passport-oauth2 1.8.0, oauth 0.10.2 (npm)
# Behaviour: The callback gets error null and undefined for both tokens when the token endpoint's
#            answer holds no tokens: a 302 to a login page, a page with status 200, a gzip body
#            (none was asked for, and none is unpacked), an empty body, and invalid_grant with status 200,
#            as GitHub sends it. What is not JSON is read as a form. Only other statuses are errors: 400, 503, 307.
# Matters:   Code that looks at the error and then stores both tokens writes undefined over a
#            refresh token that is still good. One page of a gateway with status 200 is enough.
#            Store only after looking at the access token, and keep the old refresh token otherwise.
# Guess:     gzip, and a 302: an error in the callback.
# Seen:      302, 200 with HTML, gzip, nothing, an error: error null, tokens undefined
# Duration:  a second without install.
set -euo pipefail
T=$(mktemp -d); trap 'rm -rf "$T"' EXIT; cd "$T"
npm init -y >/dev/null; npm i --silent --no-audit --no-fund passport-oauth2-refresh@2.2.0 passport-oauth2@1.8.0 oauth@0.10.2 node@24.18.0
cat > t.mjs <<'J'
import http from 'node:http';
import zlib from 'node:zlib';
import refresh from 'passport-oauth2-refresh';
import OAuth2Strategy from 'passport-oauth2';
const tokens = JSON.stringify({ access_token: 'a2', refresh_token: 'r2', token_type: 'Bearer', expires_in: 3600 });
const json = { 'content-type': 'application/json' }, html = { 'content-type': 'text/html' };
const answers = {
  'tokens': [200, tokens, json],
  'gzip': [200, zlib.gzipSync(tokens), { ...json, 'content-encoding': 'gzip' }],
  '200 page': [200, '<html><body>Please log in</body></html>', html],
  'status 302': [302, '', { location: '/login' }],
  'empty': [200, '', json],
  '200 invalid_grant': [200, '{"error":"invalid_grant"}', json],
  'status 307': [307, '', { location: '/login' }],
  '400 invalid_grant': [400, '{"error":"invalid_grant"}', json],
  '503 page': [503, '<html><body>Try again later</body></html>', html],
};
let answer, asked;
const srv = http.createServer((q, r) => {
  asked = q.headers['accept-encoding'];
  q.resume().on('end', () => r.writeHead(answer[0], answer[2]).end(answer[1]));
});
await new Promise((ok) => srv.listen(0, '127.0.0.1', ok));
const base = `http://127.0.0.1:${srv.address().port}`;
refresh.use('s', new OAuth2Strategy({ authorizationURL: base, tokenURL: `${base}/token`, clientID: 'c', clientSecret: 's', callbackURL: base }, () => {}));
for (const name in answers) {
  answer = answers[name];
  console.log(`${name}: ${await new Promise((ok) => refresh.requestNewAccessToken('s', 'r1', (error, access, next) =>
    ok(`error ${error && `of status ${error.statusCode}`}, access token ${access}, refresh token ${next}`)))}`);
}
console.log('Accept-Encoding sent:', asked);
process.exit(0);
J
node_modules/.bin/node t.mjs | tee seen
diff - seen <<'J'
tokens: error null, access token a2, refresh token r2
gzip: error null, access token undefined, refresh token undefined
200 page: error null, access token undefined, refresh token undefined
status 302: error null, access token undefined, refresh token undefined
empty: error null, access token undefined, refresh token undefined
200 invalid_grant: error null, access token undefined, refresh token undefined
status 307: error of status 307, access token undefined, refresh token undefined
400 invalid_grant: error of status 400, access token undefined, refresh token undefined
503 page: error of status 503, access token undefined, refresh token undefined
Accept-Encoding sent: undefined
J
echo "as expected"

#!/bin/bash
# Package:   @aws-sdk/token-providers 3.1177.0 (npm), fromSso with an SSO session
# Behaviour: The token endpoint answers a refresh with 429 and Retry-After. A hint of 2 seconds is
#            kept. Of a hint of 30 seconds only about five are kept: the refresh is sent again
#            long before the time that the server named.
# Matters:   An early request may prolong the limit. A hint that is beyond the cap
#            should end the attempts and be handed to the caller, not be shortened. botocore 1.44.8
#            ignores the hint, so two SDKs that share one cache file behave differently.
# Guess:     The hint is capped at 20 seconds, the largest delay of the retry strategy.
# Seen:      hint 2: sent again after 2 to 4 s / hint 30: sent again after 5 to 9 s
# Duration:  about 10 seconds without install.
set -euo pipefail
T=$(mktemp -d); trap 'rm -rf "$T"' EXIT; cd "$T"
npm init -y >/dev/null; npm i --silent --no-audit --no-fund @aws-sdk/token-providers@3.1177.0
cat > t.mjs <<'J'
import crypto from 'node:crypto';
import fs from 'node:fs';
import http from 'node:http';
import path from 'node:path';
const hint = process.argv[2];
const times = [];
const srv = http.createServer((q, r) => {
  q.resume().on('end', () => {
    times.push(Date.now());
    const good = times.length > 1;
    r.writeHead(good ? 200 : 429, { 'content-type': 'application/json', ...(!good && { 'retry-after': hint }) });
    r.end(JSON.stringify(good ? { accessToken: 'a2', expiresIn: 3600, refreshToken: 'r2', tokenType: 'Bearer' } : { error: 'slow_down' }));
  });
});
await new Promise((ok) => srv.listen(0, '127.0.0.1', ok));
for (const k of Object.keys(process.env)) if (k.startsWith('AWS_')) delete process.env[k];
const home = fs.mkdtempSync(path.resolve('home'));
Object.assign(process.env, { HOME: home, AWS_CONFIG_FILE: home + '/config', AWS_ENDPOINT_URL_SSO_OIDC: `http://127.0.0.1:${srv.address().port}` });
fs.writeFileSync(home + '/config', `[profile p]
sso_session = s
sso_account_id = 1
sso_role_name = r
[sso-session s]
sso_region = us-east-1
sso_start_url = https://start.example
`);
const cache = home + '/.aws/sso/cache';
fs.mkdirSync(cache, { recursive: true });
const at = (s) => new Date(Date.now() + s * 1000).toISOString().replace(/\.\d+/, '');
fs.writeFileSync(`${cache}/${crypto.createHash('sha1').update('s').digest('hex')}.json`, JSON.stringify({
  startUrl: 'https://start.example', region: 'us-east-1', accessToken: 'a1', expiresAt: at(120),
  clientId: 'c', clientSecret: 's', registrationExpiresAt: at(864000), refreshToken: 'r1',
}));
const { fromSso } = await import('@aws-sdk/token-providers');
const token = (await fromSso({ profile: 'p' })()).token;
const wait = (times[1] - times[0]) / 1000;
const range = wait < 2 ? 'below 2 s' : wait < 4 ? '2 to 4 s' : wait < 5 ? '4 to 5 s' : wait < 9 ? '5 to 9 s' : 'above 9 s';
console.log(`hint ${hint}: requests ${times.length}, sent again after ${range}, token ${token}`);
process.exit(0);
J
{ node t.mjs 2; node t.mjs 30; } 2>/dev/null | tee seen
diff - seen <<'J'
hint 2: requests 2, sent again after 2 to 4 s, token a2
hint 30: requests 2, sent again after 5 to 9 s, token a2
J
echo "as expected"

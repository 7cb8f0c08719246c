#!/bin/bash
# Package:   @kubernetes/client-node 2.0.1 with openid-client 6.9.0 (npm); kubernetes 37.0.2 (PyPI) to compare
# Behaviour: The kubeconfig has an OIDC user with a refresh token, and its id token has expired. Every
#            call fails with a TypeError: "server" must be an instance of URL. The client hands the
#            issuer to openid-client as a string, and that wants a URL. Nothing is sent to the issuer.
# Matters:   The login works until the id token is over, so a test shorter than that passes. After it
#            no call succeeds until something else writes a new id token. The refresh token is
#            still good. The Python client 37.0.2 refreshes with the same kubeconfig.
# Guess:     It refreshes, and keeps the new refresh token in memory.
# Seen:      valid id token: call reaches the API; expired: TypeError, 0 requests at the issuer;
#            Python: r1 sent, call reaches the API
# Duration:  seconds without install.
set -euo pipefail
T=$(mktemp -d); trap 'rm -rf "$T"' EXIT; cd "$T"
npm init -y >/dev/null; npm i --silent --no-audit --no-fund @kubernetes/client-node@2.0.1 openid-client@6.9.0 node@24.18.0
python3 -m venv v && v/bin/pip -q install kubernetes==37.0.2
cat > t.mjs <<'J'
import * as k8s from '@kubernetes/client-node';
import { execFile } from 'node:child_process';
import fs from 'node:fs';
import http from 'node:http';
const part = (o) => Buffer.from(JSON.stringify(o)).toString('base64url');
const idToken = (left) => [part({ alg: 'none' }), part({ exp: Math.floor(Date.now() / 1000) + left }), 'x'].join('.');
let issuer = 0, api = 0, sent = [];
const srv = http.createServer(async (q, r) => {
  let body = '';
  for await (const c of q) body += c;
  const answer = (json) => { r.writeHead(200, { 'content-type': 'application/json' }); r.end(JSON.stringify(json)); };
  if (q.url === '/.well-known/openid-configuration') { issuer += 1; return answer({ issuer: url, token_endpoint: url + '/token', authorization_endpoint: url + '/authorize' }); }
  if (q.url === '/token') {
    issuer += 1;
    sent.push(new URLSearchParams(body).get('refresh_token'));
    return answer({ access_token: 'a2', refresh_token: 'r2', id_token: idToken(3600), token_type: 'Bearer', expires_in: 3600 });
  }
  api += 1;
  answer({ major: '1', minor: '34', gitVersion: 'v1.34.0', gitCommit: 'x', gitTreeState: 'x', buildDate: 'x', goVersion: 'x', compiler: 'x', platform: 'x' });
});
await new Promise((ok) => srv.listen(0, '127.0.0.1', ok));
const url = `http://127.0.0.1:${srv.address().port}`;
const kubeconfig = (left) => JSON.stringify({
  apiVersion: 'v1', kind: 'Config', 'current-context': 'x', contexts: [{ name: 'x', context: { cluster: 'c', user: 'u' } }],
  clusters: [{ name: 'c', cluster: { server: url, 'insecure-skip-tls-verify': true } }],
  users: [{ name: 'u', user: { 'auth-provider': { name: 'oidc', config: { 'client-id': 'c', 'client-secret': 's', 'id-token': idToken(left), 'refresh-token': 'r1', 'idp-issuer-url': url } } } }],
});
for (const left of [3600, -100]) {
  issuer = api = 0;
  const config = new k8s.KubeConfig();
  config.loadFromString(kubeconfig(left));
  const result = await config.makeApiClient(k8s.VersionApi).getCode().then((x) => x.gitVersion, (e) => `${e.name}: ${e.message}`);
  console.log(`node, id token ${left > 0 ? 'valid' : 'expired'}: ${result}; requests at the issuer ${issuer}, at the API ${api}`);
}
fs.writeFileSync('config', kubeconfig(-100));
issuer = api = 0;
const out = await new Promise((ok) => execFile('v/bin/python', ['-W', 'ignore', 't.py'], { env: { ...process.env, OAUTHLIB_INSECURE_TRANSPORT: '1' } }, (e, o, err) => ok(e ? err : o.trim())));
console.log(`Python, id token expired: ${out}; refresh tokens sent ${sent.join(' ')}, requests at the API ${api}`);
process.exit(0);
J
cat > t.py <<'P'
from kubernetes import client, config
print(client.VersionApi(config.new_client_from_config("config")).get_code().git_version)
P
node_modules/.bin/node t.mjs | tee seen
diff - seen <<'J'
node, id token valid: v1.34.0; requests at the issuer 0, at the API 1
node, id token expired: TypeError: "server" must be an instance of URL; requests at the issuer 0, at the API 0
Python, id token expired: v1.34.0; refresh tokens sent r1, requests at the API 1
J
echo "as expected"

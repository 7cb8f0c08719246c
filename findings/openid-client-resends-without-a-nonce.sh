#!/bin/bash
# Package:   openid-client 6.9.0 with oauth4webapi 3.8.8 (npm), refresh with a DPoP key
# Behaviour: The server answers 400 use_dpop_nonce, but the DPoP-Nonce header is missing. The
#            library has no nonce to add. It sends the refresh again all the same, with a proof
#            that again has no nonce, and only then raises the error.
# Matters:   A proxy that passes known headers only strips DPoP-Nonce. Each refresh then costs two
#            requests and can never succeed. Servers that look at the token before the nonce see a
#            second use of one refresh token.
# Guess:     One request and an error, because a retry makes no sense without a nonce.
# Seen:      header present: proofs none, n1, then tokens
#            header missing: proofs none, none, then use_dpop_nonce
# Duration:  seconds without install.
set -euo pipefail
T=$(mktemp -d); trap 'rm -rf "$T"' EXIT; cd "$T"
npm init -y >/dev/null; npm i --silent --no-audit --no-fund openid-client@6.9.0 oauth4webapi@3.8.8
cat > t.mjs <<'J'
import * as oc from 'openid-client';
import http from 'node:http';
for (const header of ['present', 'missing']) {
  const nonces = [];
  const srv = http.createServer((q, r) => {
    q.resume().on('end', () => {
      const claims = JSON.parse(Buffer.from(q.headers.dpop.split('.')[1], 'base64url'));
      nonces.push(claims.nonce ?? 'none');
      const good = claims.nonce === 'n1';
      r.writeHead(good ? 200 : 400, { 'content-type': 'application/json', ...(header === 'present' && { 'dpop-nonce': 'n1' }) });
      r.end(JSON.stringify(good ? { access_token: 'a2', refresh_token: 'r2', token_type: 'DPoP', expires_in: 3600 } : { error: 'use_dpop_nonce' }));
    });
  });
  await new Promise((ok) => srv.listen(0, '127.0.0.1', ok));
  const iss = `http://127.0.0.1:${srv.address().port}`;
  const config = new oc.Configuration({ issuer: iss, token_endpoint: iss + '/token' }, 'client', 'secret');
  oc.allowInsecureRequests(config);
  const DPoP = oc.getDPoPHandle(config, await oc.randomDPoPKeyPair());
  let result;
  try {
    result = (await oc.refreshTokenGrant(config, 'r1', undefined, { DPoP })).access_token;
  } catch (e) {
    result = e.error ?? e.code;
  }
  console.log(`header ${header}: proofs with nonce ${nonces.join(', ')}; ${result}`);
  srv.close();
  srv.closeAllConnections();
}
J
node t.mjs | tee seen
diff - seen <<'J'
header present: proofs with nonce none, n1; a2
header missing: proofs with nonce none, none; use_dpop_nonce
J
echo "as expected"

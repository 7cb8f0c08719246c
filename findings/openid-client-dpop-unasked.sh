#!/bin/bash
# Package:   openid-client 6.9.0 with oauth4webapi 3.8.8 (npm)
# Behaviour: A client that has no DPoP key refreshes. The response says "token_type": "DPoP".
#            The library accepts it and returns the tokens. It refuses every other type but
#            Bearer, for example "mac" and "N_A".
# Matters:   The caller holds an access token that is bound to a key, and has no such key. No
#            error tells that; the first API call fails, long after the refresh. A refresher has to
#            compare token_type with its own configuration itself.
# Guess:     An error, because no DPoP handle was passed, as for any other unknown type.
# Seen:      Bearer: accepted as bearer / DPoP: accepted as dpop / mac and N_A: refused
# Duration:  seconds without install.
set -euo pipefail
T=$(mktemp -d); trap 'rm -rf "$T"' EXIT; cd "$T"
npm init -y >/dev/null; npm i --silent --no-audit --no-fund openid-client@6.9.0 oauth4webapi@3.8.8
cat > t.mjs <<'J'
import * as oc from 'openid-client';
import http from 'node:http';
for (const type of ['Bearer', 'DPoP', 'mac', 'N_A']) {
  const srv = http.createServer((q, r) => {
    q.resume().on('end', () => {
      r.writeHead(200, { 'content-type': 'application/json' });
      r.end(JSON.stringify({ access_token: 'a2', refresh_token: 'r2', expires_in: 3600, token_type: type }));
    });
  });
  await new Promise((ok) => srv.listen(0, '127.0.0.1', ok));
  const iss = `http://127.0.0.1:${srv.address().port}`;
  const config = new oc.Configuration({ issuer: iss, token_endpoint: iss + '/token' }, 'client', 'secret');
  oc.allowInsecureRequests(config);
  try {
    const t = await oc.refreshTokenGrant(config, 'r1');
    console.log(`${type}: accepted as ${t.token_type}`);
  } catch (e) {
    console.log(`${type}: refused (${e.code})`);
  }
  srv.close();
  srv.closeAllConnections();
}
J
node t.mjs | tee seen
diff - seen <<'J'
Bearer: accepted as bearer
DPoP: accepted as dpop
mac: refused (OAUTH_UNSUPPORTED_OPERATION)
N_A: refused (OAUTH_UNSUPPORTED_OPERATION)
J
echo "as expected"

#!/bin/bash
# Package:   axios-auth-refresh 5.0.2 with axios 1.21.1 (npm), default options
# Behaviour: Ten requests are under way when the token expires, and all get 401. The first starts
#            a refresh and is sent again. The nine others are rejected with their 401 while that
#            refresh is running. Only requests that start later wait for it.
# Matters:   One expiry breaks every request but one in a busy program, although the refresh
#            succeeds. Callers that take a 401 for "log in again" then log the user out. A
#            middleware has to let a 401 join the refresh, not only new requests.
# Guess:     All ten share the one refresh: they are sent again when it succeeds, and all reject
#            with its error when it fails.
# Seen:      refresh succeeds: refreshes 1, API requests 11, one 200, nine 401
#            refresh fails: one gets the refresh's error, nine 401
# Duration:  seconds without install.
set -euo pipefail
T=$(mktemp -d); trap 'rm -rf "$T"' EXIT; cd "$T"
npm init -y >/dev/null; npm i --silent --no-audit --no-fund axios-auth-refresh@5.0.2 axios@1.21.1
cat > t.mjs <<'J'
import axios from 'axios';
import { createAuthRefresh } from 'axios-auth-refresh';
import http from 'node:http';
for (const outcome of ['succeeds', 'fails']) {
  let token = 'a1', api = 0, refreshes = 0;
  const srv = http.createServer((q, r) => { api++; r.writeHead(q.headers.authorization === 'Bearer a2' ? 200 : 401).end(); });
  await new Promise((ok) => srv.listen(0, '127.0.0.1', ok));
  const client = axios.create({ baseURL: `http://127.0.0.1:${srv.address().port}`, proxy: false });
  client.interceptors.request.use((c) => { c.headers.Authorization = `Bearer ${token}`; return c; });
  createAuthRefresh(client, async () => {
    refreshes++;
    await new Promise((ok) => setTimeout(ok, 1000));
    if (outcome === 'fails') throw new Error('refresh failed');
    token = 'a2';
  });
  const results = await Promise.allSettled(Array.from({ length: 10 }, () => client.get('/')));
  const count = {};
  for (const r of results) {
    const what = r.status === 'fulfilled' ? r.value.status : (r.reason.response?.status ?? r.reason.message);
    count[what] = (count[what] ?? 0) + 1;
  }
  console.log(`refresh ${outcome}: refreshes ${refreshes}, API requests ${api}, results ${JSON.stringify(count)}`);
  srv.close();
  srv.closeAllConnections();
}
J
node t.mjs | tee seen
diff - seen <<'J'
refresh succeeds: refreshes 1, API requests 11, results {"200":1,"401":9}
refresh fails: refreshes 1, API requests 10, results {"401":9,"refresh failed":1}
J
echo "as expected"

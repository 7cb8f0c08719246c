#!/bin/bash
# Package:   Node.js 24.18.0 and 26.10.0 (npm package node), started with NODE_USE_ENV_PROXY=1
# Behaviour: One process has two readings of NO_PROXY. fetch splits the list at blanks, http.get
#            only at commas. A * inside a list turns the proxy off for http.get, and only
#            a list that is nothing but * does so for fetch. A name covers its subdomains for fetch;
#            http.get wants a dot or *. in front. An empty no_proxy hides NO_PROXY from fetch, not from http.get.
# Matters:   A login library that uses fetch and an API client that uses http share a process
#            and its environment. One reaches the token endpoint inside, the other sends the same
#            host's requests to the proxy. A list in the form that both read has commas, one entry
#            for a name and one with a dot before it, and no no_proxy beside NO_PROXY.
# Guess:     Both go directly for "x.test 127.0.0.1" and for "x.test,*"; a newer Node agrees with itself.
# Seen:      fetch and http.get differ in four of seven lists, the same in both versions
# Duration:  seconds without install.
set -euo pipefail
T=$(mktemp -d); trap 'rm -rf "$T"' EXIT; cd "$T"
npm init -y >/dev/null; npm i --silent --no-audit --no-fund node24@npm:node@24.18.0 node26@npm:node@26.10.0
cat > t.mjs <<'J'
import http from 'node:http';
import { once } from 'node:events';
import { spawn } from 'node:child_process';
const seen = [];
const serve = async (name) => {
  const srv = http.createServer((q, r) => { seen.push(name); r.end('ok'); });
  srv.on('connect', (q, socket) => { seen.push(name); socket.end('HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\n\r\n'); });
  await once(srv.listen(0, '127.0.0.1'), 'listening');
  return srv.address().port;
};
const target = await serve('direct'), proxy = `http://127.0.0.1:${await serve('proxy')}`;
// No name is looked up: direct requests to api.corp.test end at the target, too.
const child = `
  import http from 'node:http';
  import dns from 'node:dns';
  const lookup = dns.lookup;
  dns.lookup = (host, options, done) => lookup(host === 'api.corp.test' ? '127.0.0.1' : host, options, done);
  const [kind, url] = process.argv.slice(1);
  if (kind === 'fetch') await (await fetch(url)).text();
  else await new Promise((ok, no) => http.get(url, (r) => r.resume().on('end', ok)).on('error', no));`;
const ip = `http://127.0.0.1:${target}/`, name = `http://api.corp.test:${target}/`;
const lists = [
  ['(none)', ip, {}],
  ['x.test,127.0.0.1', ip, { NO_PROXY: 'x.test,127.0.0.1' }],
  ['x.test 127.0.0.1', ip, { NO_PROXY: 'x.test 127.0.0.1' }],
  ['x.test,*', ip, { NO_PROXY: 'x.test,*' }],
  ['corp.test', name, { NO_PROXY: 'corp.test' }],
  ['.corp.test', name, { NO_PROXY: '.corp.test' }],
  ['127.0.0.1, no_proxy empty', ip, { NO_PROXY: '127.0.0.1', no_proxy: '' }],
];
for (const version of ['24', '26']) {
  for (const [list, url, env] of lists) {
    const went = [];
    for (const kind of ['fetch', 'http.get']) {
      seen.length = 0;
      const p = spawn(`node_modules/node${version}/bin/node`, ['--input-type=module', '-e', child, kind, url],
        { env: { PATH: process.env.PATH, NODE_USE_ENV_PROXY: '1', HTTP_PROXY: proxy, ...env }, stdio: ['ignore', 'ignore', 'ignore'], timeout: 20000 });
      await once(p, 'exit');
      went.push(`${kind} ${seen.join(' ')}`);
    }
    console.log(`${version} ${list}: ${went.join(', ')}`);
  }
}
process.exit(0);
J
node t.mjs | tee seen
for v in 24 26; do cat <<J
$v (none): fetch proxy, http.get proxy
$v x.test,127.0.0.1: fetch direct, http.get direct
$v x.test 127.0.0.1: fetch direct, http.get proxy
$v x.test,*: fetch proxy, http.get direct
$v corp.test: fetch direct, http.get proxy
$v .corp.test: fetch direct, http.get direct
$v 127.0.0.1, no_proxy empty: fetch proxy, http.get direct
J
done | diff - seen
echo "as expected"

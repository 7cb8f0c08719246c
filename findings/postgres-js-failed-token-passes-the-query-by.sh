#!/bin/bash
# Package:   postgres 3.4.9 (Postgres.js) and pg 8.23.1 (Node packages), Node.js 24.18.0; PostgreSQL is needed (15.18 of
#            Debian 12 seen), and setpriv when run as root
# Behaviour: Both take a function for the password, as clouds do that log in to the database by an OAuth token. The
#            function fails once, as when the token endpoint answers 503. pg: that query gets the error, and the next
#            one works. Postgres.js: the error does not reach the query. It comes as an unhandledRejection, which ends
#            the process unless somebody listens. Where somebody does, the query ends with CONNECT_TIMEOUT when
#            connect_timeout is over (here 2 seconds, 30 by default), though the server is well. With max 1 the
#            queries of the others wait as long.
# Matters:   One 503 at the token endpoint ends the program, or stops a connection for half a minute and blames the
#            database. try/catch around the query does not help. Catch within the function, and give the last good
#            token.
# Guess:     The query rejects with the function's error, and the next query works.
# Seen:      pg: "503" / Postgres.js: unhandledRejection "503", then CONNECT_TIMEOUT after 2 s; without a listener exit code 1
# Duration:  about 15 seconds without install.
set -euo pipefail
T=$(mktemp -d); trap 'rm -rf "$T"' EXIT; cd "$T"; chmod 755 "$T"
npm init -y >/dev/null; npm i --silent --no-audit --no-fund postgres@3.4.9 pg@8.23.1 node@24.18.0
bin=$(ls -d /usr/lib/postgresql/*/bin | tail -1)
user=(); [ "$(id -u)" = 0 ] && { user=(setpriv --reuid 65534 --regid 65534 --clear-groups); }
mkdir data; [ "$(id -u)" != 0 ] || chown 65534:65534 data
echo token > password; chmod 644 password
"${user[@]}" "$bin/initdb" -D data -U user -A scram-sha-256 --pwfile password >/dev/null
port=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
"${user[@]}" "$bin/pg_ctl" -D data -w -l data/log -o "-p $port -c listen_addresses=127.0.0.1 -c unix_socket_directories=''" start >/dev/null
trap '"${user[@]}" "$bin/pg_ctl" -D data -m immediate stop >/dev/null; rm -rf "$T"' EXIT
cat > t.mjs <<'J'
import pg from 'pg';
import postgres from 'postgres';
const options = { host: '127.0.0.1', port: Number(process.argv[2]), user: 'user', database: 'postgres', max: 1 };
let good, asked;
const token = async () => {
  asked += 1;
  if (!good) throw new Error('503');
  return 'token';
};
const show = async (name, query) => {
  const late = new Promise((ok) => setTimeout(ok, 6000, 'no answer in 6 s'));
  console.log(`${name}: ${await Promise.race([query.then(() => 'a row', (error) => `error "${error.code === 'CONNECT_TIMEOUT' ? error.code : error.message}"`), late])}`);
};
process.on('unhandledRejection', (error) => console.log(`  unhandledRejection "${error.message}"`));
const pool = new pg.Pool({ ...options, password: token });
const sql = postgres({ ...options, pass: token, connect_timeout: 2 });
for (const [name, query] of [['pg', () => pool.query('select 1')], ['Postgres.js', () => sql`select 1`.execute()]]) {
  [good, asked] = [false, 0];
  await show(`${name}, token fails`, query());
  good = true;
  await show(`${name}, token is there again`, query());
  console.log(`  token asked for ${asked} times`);
}
process.exit(0);
J
node_modules/.bin/node t.mjs "$port" | tee seen
cat > end.mjs <<'J'
import postgres from 'postgres';
const sql = postgres({ host: '127.0.0.1', port: Number(process.argv[2]), user: 'user', database: 'postgres', pass: async () => { throw new Error('503'); } });
await sql`select 1`.catch(() => console.log('caught'));
J
if node_modules/.bin/node end.mjs "$port" >>seen 2>errors; then code=0; else code=$?; fi
echo "Postgres.js, nobody listens: exit code $code, $(grep -o 'Error: 503' errors | head -1)" | tee -a seen
diff - seen <<'P'
pg, token fails: error "503"
pg, token is there again: a row
  token asked for 2 times
  unhandledRejection "503"
Postgres.js, token fails: error "CONNECT_TIMEOUT"
Postgres.js, token is there again: a row
  token asked for 2 times
Postgres.js, nobody listens: exit code 1, Error: 503
P
echo "as expected"

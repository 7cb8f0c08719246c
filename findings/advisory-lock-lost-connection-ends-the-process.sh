#!/bin/bash
# Package:   advisory-lock 2.0.0 with pg 8.23.1 (Node packages), Node.js 24.18.0; PostgreSQL is needed (15.18 of Debian
#            12 seen), and setpriv when run as root
# Behaviour: withLock() holds a PostgreSQL advisory lock while its callback runs. The session of the lock is ended by the
#            server, as at a restart or by an administrator. The error comes as an event that nobody listens to, so the
#            process ends at once with code 1, in the middle of the callback. try/catch around withLock() does not see
#            it. Where the program listens to uncaughtException, the callback runs on to its end, another one has got
#            the lock in the meantime, and the callback's result is replaced by an error of the connection.
# Matters:   A restart of the database ends every process that holds a lock, with the refresh sent and its answer not
#            stored. With a listener the new token is lost all the same unless the callback has stored it itself.
# Guess:     The callback ends, and withLock() rejects as it cannot unlock.
# Seen:      exit code 1, callback not ended / with a listener: the other starts, then "not queryable" for the result
# Duration:  about 15 seconds without install.
set -euo pipefail
T=$(mktemp -d); trap 'rm -rf "$T"' EXIT; cd "$T"; chmod 755 "$T"
npm init -y >/dev/null; npm i --silent --no-audit --no-fund advisory-lock@2.0.0 pg@8.23.1 node@24.18.0
bin=$(ls -d /usr/lib/postgresql/*/bin | tail -1)
user=(); [ "$(id -u)" = 0 ] && { user=(setpriv --reuid 65534 --regid 65534 --clear-groups); }
mkdir data; [ "$(id -u)" != 0 ] || chown 65534:65534 data
"${user[@]}" "$bin/initdb" -D data -U user -A trust >/dev/null
port=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
"${user[@]}" "$bin/pg_ctl" -D data -w -l data/log -o "-p $port -c listen_addresses=127.0.0.1 -c unix_socket_directories=''" start >/dev/null
trap '"${user[@]}" "$bin/pg_ctl" -D data -m immediate stop >/dev/null; rm -rf "$T"' EXIT
cat > t.mjs <<'J'
import advisoryLock from 'advisory-lock';
import pg from 'pg';
const [database, listen] = process.argv.slice(2);
const sleep = (ms) => new Promise((ok) => setTimeout(ok, ms));
if (listen) process.on('uncaughtException', (error) => /administrator/.test(error.message) && console.log('  uncaughtException'));
const lock = (name, ms) => (advisoryLock.default ?? advisoryLock)(database)('refresh').withLock(async () => {
  console.log(`  ${name} starts`);
  await sleep(ms);
  console.log(`  ${name} ends`);
  return 'token';
}).then((result) => console.log(`  ${name}: ${result}`), (error) => console.log(`  ${name}: error, ${error.message}`));
const first = lock('first', 4000);
await sleep(500);
const second = lock('second', 500);
await sleep(500);
const admin = new pg.Client(database);
await admin.connect();
await admin.query("select pg_terminate_backend(pid) from pg_locks where locktype = 'advisory' and granted");
await admin.end();
await Promise.all([first, second]);
process.exit(0);
J
{
  for listen in '' listen; do
    echo "${listen:-nobody listens}"
    if node_modules/.bin/node t.mjs "postgresql://user@127.0.0.1:$port/postgres" $listen 2>errors; then echo "  exit code 0"
    else echo "  exit code $?, $(grep -o 'terminating connection due to administrator command' errors | head -1)"; fi
  done
} | tee seen
diff - seen <<'P'
nobody listens
  first starts
  exit code 1, terminating connection due to administrator command
listen
  first starts
  uncaughtException
  second starts
  second ends
  second: token
  first ends
  first: error, Client has encountered a connection error and is not queryable
  exit code 0
P
echo "as expected"

#!/bin/bash
# Package:   @github/keytar 7.10.6 (keytar with its binaries inside), @napi-rs/keyring 2.1.2 with its
#            entry point keyring/keytar.js (npm), gnome-keyring 42.1-1+b2 (Debian 12)
# Behaviour: @napi-rs/keyring has an entry point with keytar's functions, to be put in keytar's place. On
#            Linux it does not see what keytar has stored: keytar names the user "account" in the
#            keyring, and the other one "username". What it stores is a second item. keytar goes on
#            reading the old one, and a logout by the new program leaves that one in place.
# Matters:   After the change of library every user has to log in again. A program on the old version
#            goes on with the old refresh token, which the server by then takes for a replay. The old
#            token stays in the keyring for good. Read once with keytar, or with its attributes, first.
# Guess:     The login that keytar stored is found, and each reads what the other wrote.
# Seen:      keytar stores r1: the other finds nothing; it stores r2: keytar reads r1; it deletes: keytar reads r1
# Duration:  seconds without install. Needs Debian 12's package lists (apt-get update) and dbus.
set -euo pipefail
T=$(mktemp -d); trap 'rm -rf "$T"' EXIT; cd "$T"
apt-get -q download gnome-keyring=42.1-1+b2 libgck-1-0=3.41.1-1+b1 libgcr-base-3-1=3.41.1-1+b1 libsecret-1-0=0.20.5-3 >/dev/null
for deb in *.deb; do dpkg -x "$deb" root; done
npm init -y >/dev/null; npm i --silent --no-audit --no-fund @github/keytar@7.10.6 @napi-rs/keyring@2.1.2 node@24.18.0
cat > t.cjs <<'J'
const keytar = require('@github/keytar');
const replacement = require('@napi-rs/keyring/keytar');
const show = async (name, library) => console.log(`  ${name} reads ${await library.getPassword('service', 'user')}, lists ${(await library.findCredentials('service')).map((c) => c.password).join(' ') || 'nothing'}`);
const both = async () => { await show('keytar', keytar); await show('replacement', replacement); };
(async () => {
  await keytar.setPassword('service', 'user', 'r1');
  console.log('keytar stores r1'); await both();
  await replacement.setPassword('service', 'user', 'r2');
  console.log('replacement stores r2'); await both();
  console.log(`replacement deletes: ${await replacement.deletePassword('service', 'user')}`); await both();
})();
J
cat > session.sh <<'B'
printf 'x' | root/usr/bin/gnome-keyring-daemon --unlock --components=secrets >/dev/null
node_modules/.bin/node t.cjs
B
mkdir -m 700 home run
HOME=$T/home XDG_RUNTIME_DIR=$T/run LD_LIBRARY_PATH=$T/root/usr/lib/x86_64-linux-gnu \
  dbus-run-session -- bash -e session.sh 2>errors | tee seen || { cat errors; exit 1; }
diff - seen <<'P'
keytar stores r1
  keytar reads r1, lists r1
  replacement reads null, lists nothing
replacement stores r2
  keytar reads r1, lists r1
  replacement reads r2, lists r2
replacement deletes: true
  keytar reads r1, lists r1
  replacement reads null, lists nothing
P
echo "as expected"

#!/bin/bash
# Package:   fakeredis 2.41.0 with redis 8.1.0 (PyPI)
# Behaviour: Two clients made by FakeRedis() do not share data: both get the lock by SET NX. Two
#            clients made with one host and port share data: the second is refused. The real client's
#            defaults name one host and port, the fake's name none.
# Matters:   A test of "at most one refresh at a time" in which each worker makes its own client
#            holds two leases at once. The fault is in the test's set-up, and looks like one of the
#            store. Tests of leases have to share one server by name.
# Guess:     They share data, because redis.Redis() means one and the same server each time.
# Seen:      no arguments: True True / same host and port: True None / from_url: True None
# Duration:  seconds without install.
set -euo pipefail
T=$(mktemp -d); trap 'rm -rf "$T"' EXIT; cd "$T"
python3 -m venv v && v/bin/pip -q install redis==8.1.0 fakeredis==2.41.0
cat > t.py <<'P'
from fakeredis import FakeRedis
for name, make in (("no arguments", FakeRedis), ("same host and port", lambda: FakeRedis(host="lease.example", port=6379)),
                   ("from_url", lambda: FakeRedis.from_url("redis://url.example:6379/0"))):
    a, b = make(), make()
    print(f"{name}:", a.set("lease", "worker 1", nx=True, px=60000), b.set("lease", "worker 2", nx=True, px=60000))
P
v/bin/python t.py | tee seen
diff - seen <<'P'
no arguments: True True
same host and port: True None
from_url: True None
P
echo "as expected"

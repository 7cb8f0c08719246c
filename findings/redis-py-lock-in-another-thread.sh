#!/bin/bash
# Package:   redis 8.1.0 (PyPI), redis.lock.Lock with its default thread_local=True; the server is
#            fakeredis 2.41.0 with Lua (no server is asked in the failing calls)
# Behaviour: One thread acquires a lock. A second thread calls extend, reacquire, release or owned
#            on the same object. Each raises AttributeError, from inside the library. The same
#            calls on a lock that nobody acquired raise LockError, and owned answers False.
# Matters:   A heartbeat thread that extends a lease while the refresh is under way, and
#            catches LockError, dies of the AttributeError. The lease then runs out in the middle
#            of the exchange, and another machine sends the same refresh token. Such a thread needs
#            thread_local=False.
# Guess:     LockError, as for a lock that is not held: the other thread has no token.
# Seen:      extend, reacquire, release, owned: AttributeError; with thread_local=False all work
# Duration:  seconds without install.
set -euo pipefail
T=$(mktemp -d); trap 'rm -rf "$T"' EXIT; cd "$T"
python3 -m venv v && v/bin/pip -q install redis==8.1.0 'fakeredis[lua]==2.41.0'
cat > t.py <<'P'
import threading, fakeredis
client = fakeredis.FakeRedis()
def call(lock, op):
    try:
        return str(getattr(lock, op)(*([5] if op == "extend" else [])))
    except Exception as e:
        return type(e).__name__
def in_thread(lock, op):
    out = []
    t = threading.Thread(target=lambda: out.append(call(lock, op)))
    t.start(); t.join()
    return out[0]
for op in ("extend", "reacquire", "owned", "release"):
    held = client.lock("held " + op, timeout=10); held.acquire()
    shared = client.lock("shared " + op, timeout=10, thread_local=False); shared.acquire()
    print(f"{op}: other thread {in_thread(held, op)}; not held {call(client.lock('free ' + op, timeout=10), op)}; "
          f"other thread with thread_local=False {in_thread(shared, op)}")
P
v/bin/python t.py | tee seen
diff - seen <<'P'
extend: other thread AttributeError; not held LockError; other thread with thread_local=False True
reacquire: other thread AttributeError; not held LockError; other thread with thread_local=False True
owned: other thread AttributeError; not held False; other thread with thread_local=False True
release: other thread AttributeError; not held LockError; other thread with thread_local=False None
P
echo "as expected"

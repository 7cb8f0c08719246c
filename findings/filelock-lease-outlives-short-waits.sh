#!/bin/bash
# Package:   filelock 4.3.1 (PyPI), SoftFileLease
# Behaviour: A holder is frozen, and its lease has run out long ago. Each other process measures the
#            lease from its own first look, not from the age of the file. So a process whose timeout
#            is shorter than lease_duration never gets the lease, and neither does the next one: each
#            starts to count anew. One process that waits longer than lease_duration gets it.
#            A holder that has died on the same machine is noticed at once.
# Matters:   A command-line tool that gives up after 10 s, with the default lease of 30 s, fails in
#            every run until someone deletes the file. A frozen process or a vanished machine is just
#            what a lease is for. The timeout of each caller must be longer than the lease.
# Guess:     The second or third process gets it, as the file has not changed for longer than the lease.
# Seen:      lease 10 s; holder dead: taken at once
#            holder frozen for 12 s, then 6 processes wait 1 s each: 6 timeouts; one that waits 60 s: taken
# Duration:  a minute without install.
set -euo pipefail
T=$(mktemp -d); trap 'rm -rf "$T"' EXIT; cd "$T"
python3 -m venv v && v/bin/pip -q install filelock==4.3.1
cat > holder.py <<'P'
import sys
from filelock import SoftFileLease
lease = SoftFileLease(sys.argv[1], lease_duration=10)
lease.acquire()
print("held", flush=True)
sys.stdin.readline()
P
cat > waiter.py <<'P'
import sys
from filelock import SoftFileLease, Timeout
lease = SoftFileLease(sys.argv[1], lease_duration=10, timeout=float(sys.argv[2]))
try:
    lease.acquire()
    print("taken")
    lease.release()
except Timeout:
    print("timeout")
P
cat > t.py <<'P'
import signal, subprocess, sys, time
def hold(path):
    p = subprocess.Popen([sys.executable, "holder.py", path], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert p.stdout.readline() == "held\n"
    return p
def wait(path, timeout):
    return subprocess.run([sys.executable, "waiter.py", path, str(timeout)], stdout=subprocess.PIPE, text=True, check=True).stdout.strip()
dead = hold("dead")
print("holder alive:", wait("dead", 1))
dead.kill()
dead.wait()
print("holder dead:", wait("dead", 1))
frozen = hold("frozen")
frozen.send_signal(signal.SIGSTOP)
try:
    time.sleep(12)
    print("holder frozen, lease run out, six short waits:", *[wait("frozen", 1) for _ in range(6)])
    print("one long wait:", wait("frozen", 60))
finally:
    frozen.kill()
    frozen.wait()
P
v/bin/python t.py | tee seen
diff - seen <<'P'
holder alive: timeout
holder dead: taken
holder frozen, lease run out, six short waits: timeout timeout timeout timeout timeout timeout
one long wait: taken
P
echo "as expected"

#!/bin/bash
# Package:   kubernetes 37.0.2 (PyPI), leaderelection with LeaseLock
# Behaviour: lease_duration 8 s, renew_deadline 5 s, retry_period 2 s. When the API server answers 503, the
#            leader is told after renew_deadline, as it should. When the server's answers stop coming,
#            onstopped_leading is not called: the deadline is looked at only between requests, and
#            they have no timeout. Another candidate takes the lease, and both lead. When the server
#            closes connections, run() raises and the callback is not called either. A leader that was
#            frozen between two renewals reads the other's name in the lease at once, and still leads
#            for renew_deadline.
# Matters:   Whoever refreshes tokens as the leader goes on, and two of them spend one refresh token.
#            The callback is not enough: catch what run() raises, set a timeout on the client, and
#            look into the lease before a refresh.
# Guess:     No answers: told after renew_deadline. Frozen: told within a retry_period or two. (The closed
#            connection was seen without a guess.)
# Seen:      503: told; no answers: not told in 16 s, two leaders; closed: MaxRetryError, not told;
#            frozen: told 5 s later, after the other's name was read more than once
# Duration:  about a minute without install.
set -euo pipefail
T=$(mktemp -d); trap 'rm -rf "$T"' EXIT; cd "$T"
python3 -m venv v && v/bin/pip -q install kubernetes==37.0.2
cat > candidate.py <<'P'
import logging, sys
from kubernetes import client
from kubernetes.leaderelection import electionconfig, leaderelection
from kubernetes.leaderelection.resourcelock.leaselock import LeaseLock
logging.disable(logging.CRITICAL)
url, name = sys.argv[1:]
api = client.Configuration()
api.host = url
client.Configuration.set_default(api)
say = lambda word: print(word, flush=True)
config = electionconfig.Config(LeaseLock("lock", "default", name), lease_duration=8, renew_deadline=5, retry_period=2,
                               onstarted_leading=lambda: say("leads"), onstopped_leading=lambda: say("told"))
try:
    leaderelection.LeaderElection(config).run()
except Exception as e:
    say("raised " + type(e).__name__)
P
cat > t.py <<'P'
import http.server, json, signal, subprocess, sys, threading, time

class Door(http.server.ThreadingHTTPServer):
    """One candidate's way to the API; what it finds behind it is in `case`."""
    daemon_threads, trouble = True, None
    def handle_error(self, *a): pass

class Case:
    def __init__(self):
        self.lease, self.version, self.renewals, self.lock, self.doors, self.candidates = None, 0, 0, threading.Lock(), {}, {}
    def start(self, name):
        case, read = self, []
        class Api(http.server.BaseHTTPRequestHandler):
            def log_message(self, *a): pass
            def handle_api(self):
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                if self.server.trouble == "no answers": time.sleep(60)
                if self.server.trouble in ("no answers", "closed"): return
                status, answer = (503, None) if self.server.trouble else case.api(self.command, body)
                if self.command == "GET" and answer: read.append(answer["spec"]["holderIdentity"])
                data = json.dumps(answer or {"kind": "Status", "apiVersion": "v1", "status": "Failure", "code": status}).encode()
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)
            do_GET = do_POST = do_PUT = handle_api
        door = Door(("127.0.0.1", 0), Api)
        door.read = read
        threading.Thread(target=door.serve_forever, daemon=True).start()
        p = subprocess.Popen([sys.executable, "candidate.py", f"http://127.0.0.1:{door.server_port}", name], stdout=subprocess.PIPE, text=True)
        p.said = {}
        threading.Thread(target=lambda: [p.said.setdefault(line.strip(), time.monotonic()) for line in p.stdout], daemon=True).start()
        self.doors[name], self.candidates[name] = door, p
        return p
    def api(self, method, body):
        with self.lock:
            if method == "GET": return (200, self.lease) if self.lease else (404, None)
            new = json.loads(body)
            if method == "PUT" and new["metadata"]["resourceVersion"] != str(self.version): return 409, None
            self.version += 1
            new["metadata"]["resourceVersion"] = str(self.version)
            self.lease = new
            self.renewals += method == "PUT"
            return 200, new
    def until(self, condition, seconds):
        end = time.monotonic() + seconds
        while not condition() and time.monotonic() < end: time.sleep(0.05)
        return bool(condition())

def run(trouble, results):
    case = Case()
    try:
        a = case.start("A")
        assert case.until(lambda: "leads" in a.said, 60)
        time.sleep(2.5)
        b = case.start("B")
        time.sleep(3)
        if trouble == "frozen":
            renewals = case.renewals
            assert case.until(lambda: case.renewals > renewals, 20)
            time.sleep(0.8)     # A waits for its next renewal
            a.send_signal(signal.SIGSTOP)
            assert case.until(lambda: "leads" in b.said, 60)
            case.doors["A"].read.clear()
            start = time.monotonic()
            a.send_signal(signal.SIGCONT)
            told = case.until(lambda: "told" in a.said, 30)
            after = a.said["told"] - start
            names = set(case.doors["A"].read)
            results[trouble] = f"told {told}, after 4 s or more {after >= 4}; it read the name of {' '.join(sorted(names))}, more than once {len(case.doors['A'].read) > 1}"
        else:
            case.doors["A"].trouble = trouble
            case.until(lambda: "told" in a.said, 16)
            raised = [w for w in a.said if w.startswith("raised")]
            results[trouble] = f"told {'told' in a.said}{''.join(', ' + w for w in raised)}; B leads {case.until(lambda: 'leads' in b.said, 20)}"
    finally:
        for p in case.candidates.values(): p.kill()

results = {}
troubles = ["503", "no answers", "closed", "frozen"]
threads = [threading.Thread(target=run, args=(t, results)) for t in troubles]
for t in threads: t.start()
for t in threads: t.join()
for t in troubles: print(f"{t}: {results[t]}")
P
v/bin/python t.py | tee seen
diff - seen <<'P'
503: told True; B leads True
no answers: told False; B leads True
closed: told False, raised MaxRetryError; B leads True
frozen: told True, after 4 s or more True; it read the name of B, more than once True
P
echo "as expected"

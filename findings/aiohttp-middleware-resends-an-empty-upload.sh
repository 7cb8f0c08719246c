#!/bin/bash
# Package:   aiohttp 3.14.5 with a client middleware; httpx 0.28.1 and httpx2 2.16.2 with an auth flow (Python
#            packages)
# Behaviour: A middleware gets 401, takes a new token, and calls handler(request) again. Bytes and file objects are
#            sent again in full. The body of an async generator is sent again as an empty one, the server answers 200,
#            and nobody is told. Elsewhere aiohttp knows that a generator is spent: after a 307, and for a PUT on a
#            kept connection that was closed, it sends bytes again and raises for a generator. httpx and httpx2 raise
#            StreamConsumed when an auth flow sends again.
# Matters:   At each expiry of the token one upload is stored with nothing in it. A middleware that sends again has to
#            know whether request.body can be read a second time, and hand the 401 on if it cannot; or it looks at the
#            token's age first, and never has to.
# Guess:     The generator raises in all of them.
# Seen:      aiohttp, 401: an empty body and 200 / aiohttp, 307 and closed PUT, httpx, httpx2: an exception
# Duration:  seconds without install.
set -euo pipefail
T=$(mktemp -d); trap 'rm -rf "$T"' EXIT; cd "$T"
python3 -m venv v && v/bin/pip -q install aiohttp==3.14.5 httpx==0.28.1 httpx2==2.16.2
cat > t.py <<'P'
import aiohttp, asyncio, httpx, httpx2, io, logging
from aiohttp import web
logging.disable(logging.CRITICAL)

async def upload():
    yield b"first "
    yield b"second"
seen = []
async def handle(request):
    body = (await request.read()).decode()
    seen.append(body)
    if request.method == "GET": return web.Response()
    if request.path == "/moved": return web.Response(status=307, headers={"Location": "/"})
    if request.path == "/closed" and len(seen) < 3:  # one GET came before it
        request.transport.close()
        return web.Response()
    return web.Response(status=200 if request.path != "/" or request.headers.get("Authorization", "new") == "new" else 401)

async def refresh(request, handler):
    request.headers["Authorization"] = "old"
    response = await handler(request)
    if response.status == 401:
        response.release()
        request.headers["Authorization"] = "new"
        response = await handler(request)
    return response
def flow_of(library):
    class Flow(library.Auth):
        def auth_flow(self, request):
            request.headers["Authorization"] = "old"
            if (yield request).status_code == 401:
                request.headers["Authorization"] = "new"
                yield request
    return Flow()

async def main():
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", handle)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    base = f"http://127.0.0.1:{runner.addresses[0][1]}"
    async def with_aiohttp(path, method="POST", middlewares=(), **body):
        async with aiohttp.ClientSession(middlewares=middlewares) as session:
            if path == "/closed":
                async with session.get(base): pass
            async with session.request(method, base + path, **body) as response: return response.status
    async def with_httpx(library):
        async with library.AsyncClient(auth=flow_of(library), trust_env=False) as client:
            return (await client.post(base, content=upload())).status_code
    for label, call in (
        ("aiohttp, 401, bytes", lambda: with_aiohttp("/", middlewares=[refresh], data=b"first second")),
        ("aiohttp, 401, file object", lambda: with_aiohttp("/", middlewares=[refresh], data=io.BytesIO(b"first second"))),
        ("aiohttp, 401, generator", lambda: with_aiohttp("/", middlewares=[refresh], data=upload())),
        ("aiohttp, 307, bytes", lambda: with_aiohttp("/moved", data=b"first second")),
        ("aiohttp, 307, generator", lambda: with_aiohttp("/moved", data=upload())),
        ("aiohttp, closed PUT, bytes", lambda: with_aiohttp("/closed", "PUT", data=b"first second")),
        ("aiohttp, closed PUT, generator", lambda: with_aiohttp("/closed", "PUT", data=upload())),
        ("httpx, 401, generator", lambda: with_httpx(httpx)),
        ("httpx2, 401, generator", lambda: with_httpx(httpx2)),
    ):
        seen.clear()
        try: result = await call()
        except Exception as e: result = type(e).__name__
        if "closed" in label: seen.pop(0)
        print(f"{label}: {result}; bodies {', '.join(repr(body) for body in seen)}")
    await runner.cleanup()
asyncio.run(main())
P
v/bin/python t.py | tee seen
diff - seen <<'P'
aiohttp, 401, bytes: 200; bodies 'first second', 'first second'
aiohttp, 401, file object: 200; bodies 'first second', 'first second'
aiohttp, 401, generator: 200; bodies 'first second', ''
aiohttp, 307, bytes: 200; bodies 'first second', 'first second'
aiohttp, 307, generator: ClientPayloadError; bodies 'first second'
aiohttp, closed PUT, bytes: 200; bodies 'first second', 'first second'
aiohttp, closed PUT, generator: ServerDisconnectedError; bodies 'first second'
httpx, 401, generator: StreamConsumed; bodies 'first second'
httpx2, 401, generator: StreamConsumed; bodies 'first second'
P
echo "as expected"

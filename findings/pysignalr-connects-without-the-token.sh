#!/bin/bash
# Package:   pysignalr 1.3.3 and signalrcore 1.0.2 (Python packages), and @microsoft/signalr 10.0.11 (npm; Node.js 20) for
#            comparison; the server is made with aiohttp 3.14.5 and speaks SignalR's JSON protocol
# Behaviour: Each client has a function for the access token. @microsoft/signalr asks it before each request, and once
#            more after a 401. pysignalr asks it after the connection has been made: negotiate and WebSocket go without a
#            token, and a server that wants one is never reached: AuthorizationError, function not asked. Where the
#            first connection is let in without, the reconnect carries the token asked for at that connection; if it has
#            run out by then, run() ends with AuthorizationError. signalrcore asks once, at the start, and uses that
#            token for each reconnect; if one reconnect is refused, by 401 or 503, it tries no more, calls no on_close,
#            and its state stays "reconnecting".
# Matters:   Only the first of the three survives a token's end. For pysignalr hand in a dict as headers and change its
#            Authorization before the token's end; for signalrcore watch the state and build a new connection.
# Guess:     All three ask the function at each reconnect.
# Seen:      @microsoft/signalr: reconnected with a new token / pysignalr: no token, then old / signalrcore: old, stops
# Duration:  about 25 seconds without install.
set -euo pipefail
T=$(mktemp -d); trap 'rm -rf "$T"' EXIT; cd "$T"
python3 -m venv v && v/bin/pip -q install pysignalr==1.3.3 signalrcore==1.0.2 aiohttp==3.14.5
npm init -y >/dev/null; npm i --silent --no-audit --no-fund @microsoft/signalr@10.0.11
cat > client.mjs <<'J'
import { HubConnectionBuilder, LogLevel } from '@microsoft/signalr';
const [url] = process.argv.slice(2);
let asked = 0;
const connection = new HubConnectionBuilder().withUrl(url, { accessTokenFactory: () => `a${++asked}` })
  .withAutomaticReconnect([500, 500, 500, 500, 500]).configureLogging(LogLevel.None).build();
setTimeout(() => { console.log(`function asked ${asked > 1 ? 'again' : 'once'}, state ${connection.state.toLowerCase()}`); process.exit(); }, 10000);
await connection.start();
J
cat > client.py <<'P'
import asyncio, logging, os, sys, time
logging.disable(logging.CRITICAL)
name, url = sys.argv[1:3]
asked, events = [], []
def get_token():
    asked.append(1)
    return f"a{len(asked)}"
how_often = lambda: "not asked" if not asked else "asked once" if len(asked) == 1 else "asked again"
if name == "signalrcore":
    from signalrcore.hub_connection_builder import HubConnectionBuilder
    hub = (HubConnectionBuilder().with_url(url, options={"access_token_factory": get_token})
           .with_automatic_reconnect({"type": "raw", "keep_alive_interval": 5, "reconnect_interval": 1, "max_attempts": 5}).build())
    hub.on_close(lambda: events.append("on_close"))
    hub.start()
    time.sleep(9)
    print(f"function {how_often()}, state {hub.transport.state.name}, on_close {'called' if events else 'not called'}", flush=True)
    os._exit(0)
from pysignalr.client import SignalRClient
async def main():
    headers = {"Authorization": "Bearer a1"} if name == "headers" else None
    client = SignalRClient(url, **({"headers": headers} if headers else {"access_token_factory": get_token}))
    async def renew():
        for n in range(2, 20):
            await asyncio.sleep(0.5)
            headers["Authorization"] = f"Bearer a{n}"
    task = asyncio.create_task(renew()) if headers else None
    try: await asyncio.wait_for(client.run(), 9)
    except asyncio.TimeoutError: result = "still trying or connected"
    except Exception as e: result = type(e).__name__
    print(f"{'' if headers else f'function {how_often()}, '}{result}")
asyncio.run(main())
P
cat > t.py <<'P'
import asyncio, os
for k in list(os.environ):
    if k.lower().endswith("_proxy"): del os.environ[k]
from aiohttp import web

async def run(label, command, first_needs_token=True, later=None):
    """Drops the first connection after a second. From then on a1 and a2 have run out; `later` refuses one negotiate whatever the token."""
    seen, state = [], {"sockets": 0, "refused": False}
    def check(request):
        token = (request.headers.get("Authorization") or "").removeprefix("Bearer ") or request.query.get("access_token") or "none"
        if token not in seen[-1:]: seen.append(token)
        if not state["sockets"]: return 200 if token != "none" or not first_needs_token else 401
        if later and not state["refused"]:
            state["refused"] = True
            return later
        return 200 if later or token not in ("none", "a1", "a2") else 401
    async def negotiate(request):
        status = check(request)
        if status != 200: return web.Response(status=status)
        return web.json_response({"connectionId": "c", "connectionToken": "t", "negotiateVersion": 1,
                                  "availableTransports": [{"transport": "WebSockets", "transferFormats": ["Text"]}]})
    async def hub(request):
        status = check(request)
        if status != 200: return web.Response(status=status)
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        state["sockets"] += 1
        await socket.receive()
        await socket.send_str("{}\x1e")
        if state["sockets"] == 1:
            await asyncio.sleep(1)
            request.transport.close()
            return socket
        state["back"] = True
        async for _ in socket: await socket.send_str('{"type":6}\x1e')
        return socket
    app = web.Application()
    app.router.add_post("/hub/negotiate", negotiate)
    app.router.add_get("/hub", hub)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.5)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    url = f"http://127.0.0.1:{site._server.sockets[0].getsockname()[1]}/hub"
    process = await asyncio.create_subprocess_exec(*command, url, stdout=-1, stderr=-1)
    out, error = await asyncio.wait_for(process.communicate(), 60)
    await runner.cleanup()
    reached = "reconnected" if state.get("back") else "not reconnected" if state["sockets"] else "never connected"
    tokens = seen[0] if len(seen) == 1 else "none, then a1" if seen == ["none", "a1"] else "new ones"
    lines[label] = f"{label}: tokens seen: {tokens}; {reached}; {out.decode().strip() or error.decode()[-300:]}"

lines = {}
async def main():
    node, pysignalr, core = ["node", "client.mjs"], ["v/bin/python", "client.py", "pysignalr"], ["v/bin/python", "client.py", "signalrcore"]
    cases = [("@microsoft/signalr, token runs out", node), ("@microsoft/signalr, one 503", node, True, 503),
             ("pysignalr, server wants a token", pysignalr), ("pysignalr, first connection without", pysignalr, False),
             ("pysignalr, headers changed in time", ["v/bin/python", "client.py", "headers"]),
             ("signalrcore, token runs out", core), ("signalrcore, one 503", core, True, 503)]
    for case in cases: lines[case[0]] = "did not end"
    await asyncio.gather(*(run(*case) for case in cases[:4]))
    await asyncio.gather(*(run(*case) for case in cases[4:]))
    print("\n".join(lines.values()))
asyncio.run(main())
P
v/bin/python t.py | tee seen
diff - seen <<'P'
@microsoft/signalr, token runs out: tokens seen: new ones; reconnected; function asked again, state connected
@microsoft/signalr, one 503: tokens seen: new ones; reconnected; function asked again, state connected
pysignalr, server wants a token: tokens seen: none; never connected; function not asked, AuthorizationError
pysignalr, first connection without: tokens seen: none, then a1; not reconnected; function asked once, AuthorizationError
pysignalr, headers changed in time: tokens seen: new ones; reconnected; still trying or connected
signalrcore, token runs out: tokens seen: a1; not reconnected; function asked once, state reconnecting, on_close not called
signalrcore, one 503: tokens seen: a1; not reconnected; function asked once, state reconnecting, on_close not called
P
echo "as expected"

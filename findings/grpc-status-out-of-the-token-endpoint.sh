#!/bin/bash
# Package:   @grpc/grpc-js 1.14.7 with google-auth-library 11.3.4 (npm; Node.js 20), and grpcio 1.85.1 with google-auth
#            2.63.0 (Python packages), both with call credentials from a refresh token
# Behaviour: A refresh fails before a call. grpc-js takes the error's number, if it has one, for the call's gRPC status.
#            google-auth-library puts the HTTP status there, so the call ends with status 503 or 400, which gRPC does
#            not have: grpc.status[code] is undefined and no retryPolicy names it. A fetch that runs into
#            AbortSignal.timeout is status 23, a closed connection UNKNOWN. grpcio says UNAVAILABLE in each case, so a
#            retryPolicy for UNAVAILABLE asks again also for invalid_grant: 4 requests. For a 503 google-auth sends
#            three times in each of the 4 attempts: 12.
# Matters:   The same outage is retried in one language and a status that no table knows in the other. In Node look
#            for codes over 16 before the rest, or reject with code 14 for an outage and 16 for a login that has ended;
#            these are passed on, and retried by the policy.
# Guess:     grpc-js: UNKNOWN for each failed refresh.
# Seen:      grpc-js: 503, 400, 23, UNKNOWN, not retried / grpcio: UNAVAILABLE; 12 sends for 503, 4 for invalid_grant
# Duration:  about 30 seconds without install.
set -euo pipefail
T=$(mktemp -d); trap 'rm -rf "$T"' EXIT; cd "$T"
python3 -m venv v && v/bin/pip -q install grpcio==1.85.1 google-auth==2.63.0 requests==2.34.2
npm init -y >/dev/null; npm i --silent --no-audit --no-fund @grpc/grpc-js@1.14.7 google-auth-library@11.3.4
cat > client.mjs <<'J'
import grpc from '@grpc/grpc-js';
import http from 'node:http';
import { OAuth2Client } from 'google-auth-library';

let answer, sends;
const endpoint = http.createServer((q, r) => {
  sends++;
  if (answer === 'silence') return;
  if (answer === 'closed') return q.socket.destroy();
  r.writeHead(answer, { 'Content-Type': 'application/json' });
  r.end(JSON.stringify({ error: answer === 400 ? 'invalid_grant' : 'temporarily_unavailable' }));
});
await new Promise((ok) => endpoint.listen(0, '127.0.0.1', ok));
const oauth2TokenUrl = `http://127.0.0.1:${endpoint.address().port}/token`;

const plain = (b) => b;
const service = { Call: { path: '/x.X/Call', requestStream: false, responseStream: false, requestSerialize: plain,
  requestDeserialize: plain, responseSerialize: plain, responseDeserialize: plain } };
const server = new grpc.Server();
server.addService(service, { Call: (call, done) => done(null, Buffer.from('ok')) });
const port = await new Promise((ok, no) => server.bindAsync('127.0.0.1:0', grpc.ServerCredentials.createInsecure(), (e, p) => (e ? no(e) : ok(p))));
const config = { loadBalancingConfig: [], methodConfig: [{ name: [{ service: 'x.X' }], retryPolicy: { maxAttempts: 4, initialBackoff: '0.1s',
  maxBackoff: '0.1s', backoffMultiplier: 1, retryableStatusCodes: ['UNAVAILABLE'] } }] };
const Client = grpc.makeGenericClientConstructor(service, 'X');
const client = new Client(`127.0.0.1:${port}`, grpc.credentials.createInsecure(), { 'grpc.service_config': JSON.stringify(config) });
const run = async (label, credentials) => {
  sends = 0;
  const status = await new Promise((ok) => client.Call(Buffer.alloc(0), new grpc.Metadata(), { deadline: Date.now() + 15000, credentials },
    (e) => ok(e ? `${e.code} (${grpc.status[e.code]})` : 'ok')));
  console.log(`grpc-js, ${label}: ${status}; sends ${sends}`);
};
for (answer of [503, 400, 'closed']) {
  const google = new OAuth2Client({ clientId: 'c', clientSecret: 's', endpoints: { oauth2TokenUrl } });
  google.setCredentials({ refresh_token: 'r1' });
  await run(answer, grpc.credentials.createFromGoogleCredential(google));
}
const own = (get) => grpc.credentials.createFromMetadataGenerator((_, done) => { get().then(() => done(null, new grpc.Metadata()), done); });
answer = 'silence';
await run('fetch with AbortSignal.timeout', own(() => fetch(oauth2TokenUrl, { method: 'POST', signal: AbortSignal.timeout(500) })));
answer = 503;
await run('own error with code 14', own(async () => { await fetch(oauth2TokenUrl); throw Object.assign(new Error('down'), { code: 14 }); }));
process.exit();
J
cat > client.py <<'P'
import http.server, json, logging, os, threading
from concurrent import futures
for k in list(os.environ):
    if k.lower().endswith("_proxy"): del os.environ[k]
logging.disable(logging.CRITICAL)
import grpc
from google.auth.transport.grpc import AuthMetadataPlugin
from google.auth.transport.requests import Request
from google.oauth2.credentials import Credentials

state = {}
class Endpoint(http.server.BaseHTTPRequestHandler):
    def log_message(self, *a): pass
    def do_POST(self):
        self.rfile.read(int(self.headers["Content-Length"]))
        state["sends"] += 1
        if state["answer"] == "closed": return
        body = json.dumps({"error": "invalid_grant" if state["answer"] == 400 else "temporarily_unavailable"}).encode()
        self.send_response(state["answer"])
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
endpoint = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Endpoint)
threading.Thread(target=endpoint.serve_forever, daemon=True).start()
server = grpc.server(futures.ThreadPoolExecutor(4))
server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler("x.X", {"Call": grpc.unary_unary_rpc_method_handler(lambda request, context: b"ok")}),))
port = server.add_secure_port("127.0.0.1:0", grpc.local_server_credentials())
server.start()
config = {"methodConfig": [{"name": [{}], "retryPolicy": {"maxAttempts": 4, "initialBackoff": "0.1s", "maxBackoff": "0.1s",
                                                          "backoffMultiplier": 1, "retryableStatusCodes": ["UNAVAILABLE"]}}]}
for answer in (503, 400, "closed"):
    state.update(answer=answer, sends=0)
    google = Credentials(None, refresh_token="r1", client_id="c", client_secret="s", token_uri=f"http://127.0.0.1:{endpoint.server_port}/token")
    credentials = grpc.composite_channel_credentials(grpc.local_channel_credentials(), grpc.metadata_call_credentials(AuthMetadataPlugin(google, Request())))
    with grpc.secure_channel(f"127.0.0.1:{port}", credentials, [("grpc.service_config", json.dumps(config))]) as channel:
        try: status = channel.unary_unary("/x.X/Call")(b"", timeout=60).decode()
        except grpc.RpcError as e: status = f"{e.code().value[0]} ({e.code().name})"
    print(f"grpcio, {answer}: {status}; sends {state['sends']}")
server.stop(None)
P
export GRPC_VERBOSITY=NONE no_proxy=127.0.0.1
(node client.mjs; v/bin/python client.py) | tee seen
diff - seen <<'P'
grpc-js, 503: 503 (undefined); sends 4
grpc-js, 400: 400 (undefined); sends 1
grpc-js, closed: 2 (UNKNOWN); sends 3
grpc-js, fetch with AbortSignal.timeout: 23 (undefined); sends 1
grpc-js, own error with code 14: 14 (UNAVAILABLE); sends 4
grpcio, 503: 14 (UNAVAILABLE); sends 12
grpcio, 400: 14 (UNAVAILABLE); sends 4
grpcio, closed: 14 (UNAVAILABLE); sends 4
P
echo "as expected"

// HTTPS servers that answer every request with new tokens, by OpenSSL through
// Node: one for each entry of the JSON array in the first argument,
//
//   {"name": ..., "cert": PEM, "key": PEM, "min": VERSION, "max": VERSION}
//
// Prints one line of JSON with their ports and that of the control channel,
// which tells how many requests each has had, and ends when standard input does.

import { createServer } from 'node:http';
import { createServer as createSecureServer } from 'node:https';
import { connect } from 'node:tls';

const requests = {};
const ports = {};

function listen(server) {
  return new Promise((resolve) => {
    server.listen(0, '127.0.0.1', () => resolve(server.address().port));
  });
}

// OpenSSL 3 allows TLS 1.1 at this level only.
const OLD = { ciphers: 'DEFAULT:@SECLEVEL=0' };

function speak(port, version) {
  return new Promise((resolve, reject) => {
    const options = { port, minVersion: version, maxVersion: version, rejectUnauthorized: false };
    const socket = connect({ ...options, ...OLD }, () => {
      const protocol = socket.getProtocol();
      socket.destroy();
      if (protocol === version) resolve();
      else reject(new Error(`it speaks ${protocol}, not ${version}`));
    });
    socket.on('error', reject);
  });
}

for (const { name, cert, key, min, max } of JSON.parse(process.argv[2])) {
  requests[name] = 0;
  const server = createSecureServer({
    cert,
    key,
    minVersion: min ?? 'TLSv1.2',
    maxVersion: max ?? 'TLSv1.3',
    ...(max === 'TLSv1.1' ? OLD : {}),
  }, async (request, response) => {
    requests[name] += 1;
    for await (const chunk of request) void chunk;
    response.writeHead(200, { 'content-type': 'application/json' });
    response.end(JSON.stringify({ access_token: 'at-2', refresh_token: 'rt-2', expires_in: 60 }));
  });
  // A handshake that fails is what these servers are for.
  server.on('tlsClientError', () => {});
  ports[name] = await listen(server);
  // That it can be spoken to at all, by one who speaks it: a handshake that
  // fails for another reason would look just the same to the clients.
  if (max === 'TLSv1.1') await speak(ports[name], max);
}

const control = createServer((request, response) => {
  response.writeHead(200, { 'content-type': 'application/json' });
  response.end(JSON.stringify(requests));
});

console.log(JSON.stringify({ ports, control_port: await listen(control) }));
process.stdin.resume();
process.stdin.on('end', () => process.exit(0));

// A forward proxy that tunnels (RFC 9110 section 9.3.6) for whoever shows the
// user name and password of the first argument, and answers 407 to all others.
//
// Prints one line of JSON with its port and that of the control channel, which
// tells what it was asked for, and ends when standard input does.

import { createServer } from 'node:http';
import { connect } from 'node:net';

const expected = `Basic ${Buffer.from(process.argv[2]).toString('base64')}`;
const counts = { tunnels: 0, refused: 0, forwarded_in_clear: 0 };

function listen(server) {
  return new Promise((resolve) => {
    server.listen(0, '127.0.0.1', () => resolve(server.address().port));
  });
}

const proxy = createServer((request, response) => {
  // A request in clear, which these scenarios never ask for.
  counts.forwarded_in_clear += 1;
  response.writeHead(501).end();
});
proxy.on('connect', (request, client, head) => {
  client.on('error', () => {});
  if (request.headers['proxy-authorization'] !== expected) {
    counts.refused += 1;
    const page = '<html><h1>Proxy Authentication Required</h1></html>';
    client.end('HTTP/1.1 407 Proxy Authentication Required\r\n'
      + 'Proxy-Authenticate: Basic realm="corp"\r\nContent-Type: text/html\r\n'
      + `Content-Length: ${page.length}\r\nConnection: close\r\n\r\n${page}`);
    return;
  }
  counts.tunnels += 1;
  const { hostname, port } = new URL(`http://${request.url}`);
  const server = connect(Number(port), hostname, () => {
    client.write('HTTP/1.1 200 Connection Established\r\n\r\n');
    server.write(head);
    server.pipe(client);
    client.pipe(server);
  });
  server.on('error', () => client.destroy());
});

const control = createServer((request, response) => {
  response.writeHead(200, { 'content-type': 'application/json' });
  response.end(JSON.stringify(counts));
});

console.log(JSON.stringify({ port: await listen(proxy), control_port: await listen(control) }));
process.stdin.resume();
process.stdin.on('end', () => process.exit(0));

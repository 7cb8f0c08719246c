// Ends TLS before a server on loopback, and tells it of the client's certificate,
// as nginx does with `ssl_verify_client optional`:
//
//   x-client-verify       SUCCESS, or FAILED
//   x-client-certificate  the certificate, DER in Base64
//
// The first argument is JSON: {"ca": PEM, "cert": PEM, "key": PEM, "upstream": N}.
// A request passes as it is, and so does the response, or that there is none: if
// either side ends its connection, the other side's ends too.
//
// Prints one line of JSON with its port, and ends when standard input does.

import { request as forward } from 'node:http';
import { createServer } from 'node:https';

const { ca, cert, key, upstream } = JSON.parse(process.argv[2]);

const front = createServer({
  ca, cert, key, requestCert: true, rejectUnauthorized: false,
}, (request, response) => {
  const { raw } = request.socket.getPeerCertificate();
  const headers = {
    ...request.headers,
    // Whatever the client said itself.
    'x-client-verify': request.socket.authorized ? 'SUCCESS' : 'FAILED',
    'x-client-certificate': raw ? raw.toString('base64') : '',
    connection: 'close',
  };
  const { method, url: path } = request;
  const onward = forward({ host: '127.0.0.1', port: upstream, method, path, headers });
  onward.on('response', (answer) => {
    answer.on('error', () => response.destroy());
    answer.on('aborted', () => response.destroy());
    response.writeHead(answer.statusCode, answer.headers);
    answer.pipe(response);
  });
  onward.on('error', () => response.destroy());
  response.on('close', () => onward.destroy());
  request.pipe(onward);
});
front.on('tlsClientError', () => {});
await new Promise((resolve) => front.listen(0, '127.0.0.1', resolve));

console.log(JSON.stringify({ port: front.address().port }));
process.stdin.resume();
process.stdin.on('end', () => process.exit(0));

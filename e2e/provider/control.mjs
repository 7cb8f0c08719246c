// The control channel of an authorization server of this suite.

import { createServer } from 'node:http';

// Serves `routes`, by method and path, on a port of its own; tells it, as the
// one line of JSON that this program prints; and ends the program when its
// standard input ends.
export async function serveControl(routes) {
  const control = createServer(async (request, response) => {
    let body = '';
    for await (const chunk of request) body += chunk;
    const route = routes[`${request.method} ${request.url}`];
    const result = route ? await route(body ? JSON.parse(body) : {}) : { error: 'no such route' };
    response.writeHead(route ? 200 : 404, { 'content-type': 'application/json' });
    response.end(JSON.stringify(result));
  });
  await new Promise((resolve) => control.listen(0, '127.0.0.1', resolve));
  console.log(JSON.stringify({ control_port: control.address().port }));
  process.stdin.resume();
  process.stdin.on('end', () => process.exit(0));
}

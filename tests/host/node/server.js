// The API of the tests: answers, is slow, leaks and echoes on request, and finishes its requests before it goes.
const http = require('http');
const { WebSocketServer } = require('ws');

const kept = [];
const finish = (response, status, body, headers = {}) => {
  response.writeHead(status, { 'content-type': 'application/json', ...headers });
  response.end(JSON.stringify(body));
};
const paths = {
  '/api/v1/system/ready': (request, response) => finish(response, 200, { ready: true }),
  '/api/v1/system/health': (request, response) => finish(response, 200, { healthy: true }),
  '/metrics': (request, response) => finish(response, 200, { inner: true }),
  '/api/v1/system/metrics': (request, response) => finish(response, 200, { inner: true }),
  '/api/v1/system/database/status': (request, response) => finish(response, 200, { inner: true }),
  '/who': (request, response) => finish(response, 200, { pid: process.pid, port: process.env.PORT, node: process.version }),
  '/request': (request, response) => finish(response, 200, { headers: request.headers, url: request.url }),
  '/variable': (request, response, query) => finish(response, 200, { value: process.env[query.get('name')] ?? null }),
  '/status': (request, response, query) =>
    finish(response, Number(query.get('code')), {}, JSON.parse(query.get('headers') ?? '{}')),
  '/slow': (request, response, query) =>
    setTimeout(() => finish(response, 200, { finished: true }), Number(query.get('ms'))),
  '/log-on': (request, response, query) => {
    const count = Number(query.get('count'));
    let line = 0;
    const timer = setInterval(() => {
      for (let each = 0; each < 20 && line < count; each += 1, line += 1) {
        console.log(JSON.stringify({ worker: process.env.PORT, line }));
      }
      if (line >= count) clearInterval(timer);
    }, 5);
    finish(response, 200, {});
  },
  '/leak': (request, response, query) => {
    kept.push(Buffer.alloc(Number(query.get('mib')) * 1024 * 1024, 1));
    finish(response, 200, { kept: kept.length });
  }
};
const server = http.createServer((request, response) => {
  const url = new URL(request.url, 'http://host');
  response.setHeader('x-reached', request.url);
  const path = paths[url.pathname] ?? ((_, missing) => finish(missing, 404, {}));
  request.resume().on('end', () => path(request, response, url.searchParams));
});
const sockets = new WebSocketServer({ server });
sockets.on('connection', (socket) => socket.on('message', (data) => socket.send(String(data))));
server.listen(Number(process.env.PORT), '127.0.0.1', () => console.log(JSON.stringify({ listening: process.env.PORT })));
for (const signal of ['SIGINT', 'SIGTERM']) {
  process.on(signal, () => {
    for (const socket of sockets.clients) socket.close(1001);
    server.close(() => process.exit(0));
  });
}

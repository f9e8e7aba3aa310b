// The smallest API that does what the platform asks of a backend: it answers the health paths, echoes over a websocket,
// and finishes its requests before it goes.
//
// Environment: PORT; HOST (127.0.0.1); DRAIN_MILLISECONDS, the longest wait for running requests (50000, which is below
// the 60 seconds that a load balancer drains); SAMPLE_BACKEND_FAULTS=1 opens /leak.
const http = require('node:http');
const { WebSocketServer } = require('ws');
const { log } = require('./logging');
const { readRelease } = require('./release');

const LONGEST_SLOW_MILLISECONDS = 600_000;
const LEAKED_MEBIBYTES = 50;
const host = process.env.HOST ?? '127.0.0.1';
const port = Number(process.env.PORT ?? 3000);
const drainMilliseconds = Number(process.env.DRAIN_MILLISECONDS ?? 50_000);
const faults = process.env.SAMPLE_BACKEND_FAULTS === '1';
const release = readRelease();

/** @type {Map<number, number>} Answers by status code. */
const answers = new Map();
/** @type {Buffer[]} */
const leaked = [];
let running = 0;
let stopping = false;

/** @typedef {{ status: number, body: unknown }} Answer */

/** @type {Record<string, (url: URL) => Answer | Promise<Answer>>} */
const routes = {
  '/api/v1/system/health': () => ({
    status: 200,
    body: { status: 'healthy', ...release, node: process.version, pid: process.pid },
  }),
  // A load balancer that asks while the process stops must send nothing more.
  '/api/v1/system/ready': () => ({ status: stopping ? 503 : 200, body: { ready: !stopping, pid: process.pid } }),
  '/api/v1/system/database/status': () => ({
    status: 200,
    body: { status: 'healthy', configured: process.env.DATABASE_URL !== undefined },
  }),
  '/api/v1/system/metrics': () => ({
    status: 200,
    body: { status: 'healthy', requests: total(), running, websockets: sockets.clients.size, memory: process.memoryUsage() },
  }),
  '/metrics': () => ({ status: 200, body: prometheus() }),
  '/environment': () => ({ status: 200, body: lengths() }),
  '/slow': slow,
  ...(faults ? { '/leak': leak } : {}),
};

function total() {
  return [...answers.values()].reduce((sum, count) => sum + count, 0);
}

/** The text format of Prometheus. */
function prometheus() {
  return [
    '# HELP http_requests_total Answers of this process.',
    '# TYPE http_requests_total counter',
    ...[...answers].map(([status, count]) => `http_requests_total{status_code="${status}"} ${count}`),
    '# HELP http_requests_running Requests that are not answered yet.',
    '# TYPE http_requests_running gauge',
    `http_requests_running ${running}`,
    '# HELP websockets_open Open websockets.',
    '# TYPE websockets_open gauge',
    `websockets_open ${sockets.clients.size}`,
    '# HELP process_resident_memory_bytes Memory of this process.',
    '# TYPE process_resident_memory_bytes gauge',
    `process_resident_memory_bytes ${process.memoryUsage().rss}`,
    '',
  ].join('\n');
}

/** Names and lengths only: enough to see that every secret arrived, and nothing to leak. */
function lengths() {
  return Object.fromEntries(Object.entries(process.env).map(([name, value]) => [name, value?.length ?? 0]));
}

/**
 * @param {URL} url
 * @returns {Promise<Answer>}
 */
async function slow(url) {
  const milliseconds = Number(url.searchParams.get('ms') ?? 1000);
  if (!(milliseconds >= 0 && milliseconds <= LONGEST_SLOW_MILLISECONDS)) {
    return { status: 400, body: { error: `ms must be between 0 and ${LONGEST_SLOW_MILLISECONDS}` } };
  }
  await new Promise((resolve) => setTimeout(resolve, milliseconds));
  return { status: 200, body: { finished: true, milliseconds, pid: process.pid } };
}

/** @returns {Answer} */
function leak() {
  // Filled: memory that nobody wrote to is not resident.
  leaked.push(Buffer.alloc(LEAKED_MEBIBYTES * 1024 * 1024, 1));
  return { status: 200, body: { leakedMebibytes: leaked.length * LEAKED_MEBIBYTES, pid: process.pid } };
}

/**
 * @param {string} path
 * @param {URL} url
 * @returns {Promise<Answer>}
 */
async function answerTo(path, url) {
  const route = Object.hasOwn(routes, path) ? routes[path] : undefined;
  return route === undefined ? { status: 404, body: { error: 'not found' } } : route(url);
}

const server = http.createServer(async (request, response) => {
  const started = process.hrtime.bigint();
  const url = new URL(`http://backend${request.url ?? '/'}`);
  running += 1;
  response.on('close', () => {
    running -= 1;
    answers.set(response.statusCode, (answers.get(response.statusCode) ?? 0) + 1);
    log('request', {
      method: request.method ?? '',
      path: url.pathname,
      status: response.statusCode,
      complete: response.writableFinished,
      milliseconds: Number((process.hrtime.bigint() - started) / 1_000_000n),
    });
  });
  const { status, body } = await answerTo(url.pathname, url);
  const text = typeof body === 'string';
  if (stopping) {
    response.setHeader('connection', 'close');
  }
  response.writeHead(status, { 'content-type': text ? 'text/plain; version=0.0.4' : 'application/json' });
  response.end(text ? body : JSON.stringify(body));
});

const sockets = new WebSocketServer({ server });
sockets.on('connection', (socket) => {
  socket.on('message', (data, binary) => socket.send(data, { binary }));
});

/** @param {string} signal */
function stop(signal) {
  if (stopping) {
    return;
  }
  stopping = true;
  log('stopping', { signal, running, websockets: sockets.clients.size });
  for (const socket of sockets.clients) {
    socket.close(1001, 'the server stops');
  }
  server.close(() => {
    log('stopped', { signal });
    process.exit(0);
  });
  setTimeout(() => {
    log('stopped with requests running', { signal, running });
    process.exit(1);
  }, drainMilliseconds).unref();
}

process.on('SIGTERM', () => stop('SIGTERM'));
// PM2 stops a process with SIGINT.
process.on('SIGINT', () => stop('SIGINT'));

server.listen(port, host, () => {
  const address = server.address();
  // The system chooses where PORT is 0.
  log('listening', { host, port: typeof address === 'object' && address !== null ? address.port : port, ...release });
  // For PM2's `wait_ready`.
  process.send?.('ready');
});

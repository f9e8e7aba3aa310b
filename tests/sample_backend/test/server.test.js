const assert = require('node:assert/strict');
const { spawn } = require('node:child_process');
const { once } = require('node:events');
const path = require('node:path');
const readline = require('node:readline');
const { afterEach, test } = require('node:test');
const { WebSocket } = require('ws');

const source = path.join(__dirname, '..', 'src');
/** @type {import('node:child_process').ChildProcess[]} */
const started = [];

afterEach(() => {
  for (const child of started.splice(0)) {
    child.kill('SIGKILL');
  }
});

/** Start the server on a free port, and wait until it listens. */
async function start(environment = {}) {
  const child = spawn(process.execPath, [path.join(source, 'server.js')], {
    env: { PORT: '0', SECRET_FOR_TEST: 'twelve chars', ...environment },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  started.push(child);
  const lines = readline.createInterface({ input: child.stdout });
  const [line] = await once(lines, 'line');
  const { message, port } = JSON.parse(line);
  assert.equal(message, 'listening');
  return { child, base: `http://127.0.0.1:${port}`, address: `ws://127.0.0.1:${port}` };
}

for (const name of ['health', 'ready', 'database/status', 'metrics']) {
  test(`/api/v1/system/${name} answers 200`, async () => {
    const { base } = await start();
    assert.equal((await fetch(`${base}/api/v1/system/${name}`)).status, 200);
  });
}

test('an unknown path answers 404, and so does /leak without faults', async () => {
  const { base } = await start();
  assert.equal((await fetch(`${base}/constructor`)).status, 404);
  assert.equal((await fetch(`${base}/leak`)).status, 404);
});

test('/leak answers where faults are open', async () => {
  const { base } = await start({ SAMPLE_BACKEND_FAULTS: '1' });
  assert.equal((await (await fetch(`${base}/leak`)).json()).leakedMebibytes, 50);
});

test('/environment has lengths and no values', async () => {
  const { base } = await start();
  const text = await (await fetch(`${base}/environment`)).text();
  assert.equal(JSON.parse(text).SECRET_FOR_TEST, 12);
  assert.ok(!text.includes('twelve chars'));
});

test('/metrics counts answers', async () => {
  const { base } = await start();
  await fetch(`${base}/nothing`);
  assert.match(await (await fetch(`${base}/metrics`)).text(), /^http_requests_total\{status_code="404"\} 1$/m);
});

test('SIGTERM lets a running request finish and closes websockets', async () => {
  const { child, base, address } = await start();
  const socket = new WebSocket(address);
  await once(socket, 'open');
  socket.send('hello');
  assert.equal(String((await once(socket, 'message'))[0]), 'hello');
  const answer = fetch(`${base}/slow?ms=500`);
  await new Promise((resolve) => setTimeout(resolve, 200));
  const exited = once(child, 'exit');
  const closed = once(socket, 'close');
  child.kill('SIGTERM');
  assert.equal((await (await answer).json()).finished, true);
  assert.equal((await closed)[0], 1001);
  assert.deepEqual(await exited, [0, null]);
});

test('a request that takes longer than the drain ends with exit code 1', async () => {
  const { child, base } = await start({ DRAIN_MILLISECONDS: '100' });
  const answer = fetch(`${base}/slow?ms=60000`).catch(() => 'cut');
  await new Promise((resolve) => setTimeout(resolve, 200));
  const exited = once(child, 'exit');
  child.kill('SIGINT');
  assert.equal(await answer, 'cut');
  assert.deepEqual(await exited, [1, null]);
});

test('migrations are shown, and fail when told to', async () => {
  const run = async (/** @type {string} */ command, environment = {}) => {
    const child = spawn(process.execPath, [path.join(source, 'migrate.js'), command], {
      env: { DATABASE_URL: 'postgresql://user:hidden@database:5432/fixrx', ...environment },
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    let text = '';
    child.stdout.on('data', (data) => (text += data));
    const [code] = await once(child, 'close');
    return { code, text };
  };
  const status = await run('status');
  assert.equal(status.code, 0);
  assert.match(status.text, /001-patients.sql[^]*002-patients-created.sql/);
  assert.ok(!status.text.includes('hidden'));
  assert.equal((await run('up', { SAMPLE_BACKEND_MIGRATION_FAILS: 'up' })).code, 1);
  assert.equal((await run('status', { SAMPLE_BACKEND_MIGRATION_FAILS: 'up' })).code, 0);
});

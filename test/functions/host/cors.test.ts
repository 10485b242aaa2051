import { once } from 'node:events';
import { createServer } from 'node:http';
import test, { type ExecutionContext } from 'ava';
import { parseHostConfig } from '../../../functions/host/config.ts';
import { createCors } from '../../../functions/host/cors.ts';
import { createBearerCheck } from '../../../functions/host/bearer.ts';
import { createHost } from '../../../functions/host/create-host.ts';
import { createRunner } from '../../../functions/host/runner.ts';
import { listenOnLoopback, silent } from './helpers.ts';

async function serverOf(t: ExecutionContext, origins: readonly string[]): Promise<string> {
  const cors = createCors(origins);
  const server = createServer((request, response) => {
    if (!cors(request, response)) response.writeHead(401).end();
  });
  const port = await listenOnLoopback(server);
  t.teardown(async () => {
    server.close();
    server.closeAllConnections();
    await once(server, 'close');
  });
  return `http://127.0.0.1:${port}/v1/status`;
}

const preflight = (origin: string): RequestInit => ({
  method: 'OPTIONS',
  headers: { origin, 'access-control-request-method': 'PUT' },
});

test('without origins nothing of CORS is said', async (t) => {
  const url = await serverOf(t, []);
  const answer = await fetch(url, preflight('https://ui.example'));
  t.is(answer.status, 401);
  t.deepEqual(
    [...answer.headers.keys()].filter((name) => name.startsWith('access-') || name === 'vary'),
    [],
  );
});

test('a preflight of an allowed origin is answered without a token', async (t) => {
  const url = await serverOf(t, ['https://ui.example', 'http://localhost:5173']);
  const answer = await fetch(url, preflight('http://localhost:5173'));
  t.is(answer.status, 204);
  t.is(answer.headers.get('access-control-allow-origin'), 'http://localhost:5173');
  t.regex(answer.headers.get('access-control-allow-headers') ?? '', /authorization/);
  t.is(answer.headers.get('access-control-allow-credentials'), null);
});

test('an answer, also an error, can be read by its own origin alone', async (t) => {
  const url = await serverOf(t, ['https://ui.example']);
  const own = await fetch(url, { headers: { origin: 'https://ui.example' } });
  t.is(own.status, 401);
  t.is(own.headers.get('access-control-allow-origin'), 'https://ui.example');
  t.is(own.headers.get('vary'), 'Origin');
  for (const origin of ['https://ui.example.evil', 'http://ui.example', 'null', '*']) {
    const other = await fetch(url, preflight(origin));
    t.is(other.status, 401, origin);
    t.is(other.headers.get('access-control-allow-origin'), null, origin);
  }
});

const emit = async (): Promise<void> => undefined;

test('a host answers preflights before it asks for the token, and keeps what it varies by', async (t) => {
  const runner = createRunner({ functions: [], catalogue: [], log: silent, emit });
  const host = createHost({
    runner,
    publish: emit,
    isAuthorized: createBearerCheck('a-token-of-some-length'),
    log: silent,
    corsOrigins: ['https://ui.example'],
    drainGraceMs: 0,
  });
  const url = await host.listen({ host: '127.0.0.1', port: 0 });
  t.teardown(async () => {
    await host.drain();
    await host.close();
  });
  t.is((await fetch(`${url}/v1/status`, preflight('https://ui.example'))).status, 204);
  t.is((await fetch(`${url}/v1/status`, preflight('https://other.example'))).status, 401);
});

function parse(origins: readonly string[]): readonly string[] {
  const clickhouse = { url: 'http://x', username: 'x', password: '', database: 'x' };
  const token = 'a-token-of-some-length';
  const text = JSON.stringify({ dataDir: 'data', token, clickhouse, cors: { origins } });
  return parseHostConfig(text).cors.origins;
}

test('the configuration takes exact origins only', (t) => {
  const good = ['https://ui.example', 'http://localhost:5173'];
  t.deepEqual(parse(good), good);
  for (const bad of ['*', 'null', 'ui.example', 'https://ui.example/', 'https://ui.example:443']) {
    t.throws(() => parse([bad]), { code: 'CLV_CONFIG_INVALID' }, bad);
  }
});

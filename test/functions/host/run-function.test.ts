import { execFile, spawn } from 'node:child_process';
import { createServer } from 'node:http';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import test, { type ExecutionContext } from 'ava';
import { z } from 'zod';
import { eventHeaders } from '../../../functions/lib/event-headers.ts';
import { eventOf, listenOnLoopback, until } from './helpers.ts';

const program = fileURLToPath(new URL('fixtures/function-process.ts', import.meta.url));

const sample = fileURLToPath(new URL('../../../infra/samples/hello/main.ts', import.meta.url));

interface Started {
  readonly url: string;
  /** Its log so far. */
  readonly said: () => string;
  /** SIGTERM; resolves with the exit code. */
  readonly end: () => Promise<number | null>;
}

async function start(t: ExecutionContext, env: Record<string, string>): Promise<Started> {
  const child = spawn(process.execPath, [program], {
    env: { ...process.env, PORT: '0', ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let log = '';
  child.stderr.on('data', (data: Buffer) => (log += data.toString()));
  const exit = new Promise<number | null>((resolve) => {
    child.once('exit', (code) => resolve(code));
  });
  t.teardown(async () => {
    child.kill('SIGKILL');
    await exit;
  });
  const line = await new Promise<string>((resolve, reject) => {
    child.stdout.once('data', (data: Buffer) => resolve(data.toString().trim()));
    child.once('exit', () => reject(new Error('it ended')));
  });
  return {
    said: () => log,
    url: line.replace('[::]', '127.0.0.1').replace('0.0.0.0', '127.0.0.1'),
    end: () => {
      child.kill('SIGTERM');
      return exit;
    },
  };
}

const post = (url: string, type: string): Promise<Response> =>
  fetch(url, { method: 'POST', headers: eventHeaders(eventOf({ type })), body: 'hello' });

test('a function of its own takes events at /, replies in the answer, and drains on SIGTERM', async (t) => {
  const { url, end } = await start(t, {});
  const response = await post(url, 'ask');
  t.is(response.status, 200);
  t.is(response.headers.get('ce-type'), 'answer');
  t.is(response.headers.get('ce-id'), '1-reply');
  t.is(await response.text(), 'hello');
  t.is((await post(url, 'other')).status, 400);
  t.is((await fetch(`${url}/health/ready`)).status, 200);
  t.is((await fetch(`${url}/nothing`)).status, 404);
  t.is((await post(`${url}/broker`, 'ask')).status, 404, 'there is no broker here');
  t.is((await post(url, 'relay')).status, 500, 'there is no sink');
  t.is(await end(), 0);
});

test('functions beside it take their events at a path of their own, and nothing at /', async (t) => {
  const { url } = await start(t, {});
  t.is((await post(`${url}/functions/other`, 'relayed')).status, 204);
  t.is((await post(`${url}/functions/other`, 'ask')).status, 400);
  t.is((await post(url, 'relayed')).status, 400);
  t.is((await post(`${url}/functions/none`, 'relayed')).status, 404);
});

test('what it emits goes to K_SINK with the overrides, and a sink that is busy makes its sender try again', async (t) => {
  const seen: unknown[] = [];
  let status = 202;
  const sink = createServer((request, response) => {
    seen.push([request.headers['ce-type'], request.headers['ce-cluster']]);
    response.writeHead(status).end();
  });
  const port = await listenOnLoopback(sink);
  t.teardown(() => {
    sink.close();
    sink.closeAllConnections();
  });
  const { url } = await start(t, {
    K_SINK: `http://127.0.0.1:${port}/`,
    K_CE_OVERRIDES: '{"extensions":{"cluster":"a"}}',
  });
  t.is((await post(url, 'relay')).status, 204);
  t.deepEqual(seen, [['relayed', 'a']]);
  status = 503;
  t.is((await post(url, 'relay')).status, 503);
  status = 400;
  const refused = await post(url, 'relay');
  t.is(refused.status, 502, 'the sender has done nothing wrong');
  t.like(await refused.json(), { code: 'CLV_EMIT_REFUSED' });
});

test('a sink without overrides is as a SinkBinding without them says it: an empty variable', async (t) => {
  const seen: unknown[] = [];
  const sink = createServer((request, response) => {
    seen.push(request.headers['ce-type']);
    response.writeHead(202).end();
  });
  const port = await listenOnLoopback(sink);
  t.teardown(() => {
    sink.close();
    sink.closeAllConnections();
  });
  const { url } = await start(t, { K_SINK: `http://127.0.0.1:${port}/`, K_CE_OVERRIDES: '' });
  t.is((await post(url, 'relay')).status, 204);
  t.deepEqual(seen, ['relayed']);
});

test('a warm-up that fails is told, and left to the requests', async (t) => {
  const { url, said, end } = await start(t, { WARM_UP: 'fails' });
  await until(() => /"message":"nobody answers".*"msg":"the first request will wait/.test(said()));
  t.is((await post(url, 'ask')).status, 200);
  t.is(await end(), 0);
});

test('on SIGTERM a batch of handlers that never end is answered with its results, and the process ends with 0', async (t) => {
  const { url, end } = await start(t, {});
  const ids = Array.from({ length: 100 }, (_, id) => String(id));
  const batch = ids.map((id) => ({ specversion: '1.0', id, source: '/test', type: 'hang' }));
  const answered = fetch(url, {
    method: 'POST',
    headers: { 'content-type': 'application/cloudevents-batch+json' },
    body: JSON.stringify(batch),
  });
  // Eight of them are begun: all that the function takes.
  await until(async () => (await post(url, 'ask')).status === 429);
  const [code, response] = await Promise.all([end(), answered]);
  t.is(code, 0);
  t.is(response.status, 503);
  const { results } = z
    .looseObject({ results: z.array(z.looseObject({ id: z.string(), status: z.number() })) })
    .parse(await response.json());
  t.deepEqual(
    results.map(({ id, status }) => [id, status]),
    ids.map((id) => [id, 503]),
  );
});

test('an environment that it cannot start with is one line on standard error, and exit code 2', async (t) => {
  const taken = createServer();
  const port = await listenOnLoopback(taken);
  t.teardown(() => taken.close());
  const started = async (env: Record<string, string>): Promise<unknown> => {
    const run = promisify(execFile)(process.execPath, [sample], { env: { PORT: '0', ...env } });
    return t.throwsAsync(run, { any: true });
  };
  t.like(await started({ PORT: 'eighty' }), {
    code: 2,
    stdout: '',
    stderr: 'PORT: found "eighty"; must be 0 to 65535\n',
  });
  const busy = await started({ PORT: String(port) });
  t.like(busy, { code: 2, stdout: '' });
  const { stderr } = z.looseObject({ stderr: z.string() }).parse(busy);
  t.regex(stderr, /^cannot listen on \*:\d+: listen EADDRINUSE: address already in use .*\n$/);
});

test('its log has the levels of the host, trace too', async (t) => {
  const child = spawn(process.execPath, [sample], {
    env: { PORT: '0', LOG_LEVEL: 'trace' },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  t.teardown(() => child.kill('SIGKILL'));
  const line = await new Promise<string>((resolve) => {
    child.stdout.once('data', (data: Buffer) => resolve(data.toString()));
    child.once('exit', () => resolve('it ended'));
  });
  t.regex(line, /"level":30,.*"msg":"ready"/);
});

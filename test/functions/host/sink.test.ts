import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { createSink } from '../../../functions/host/sink.ts';
import { CloverError } from '../../../functions/lib/errors.ts';
import { eventOf, listenOnLoopback } from './helpers.ts';

/** A sink that answers with this; resolves with its URL, and what came to it. */
async function sinkOf(
  t: ExecutionContext,
  status: () => number,
  headers: Readonly<Record<string, string>> = {},
  body = '',
): Promise<{ readonly url: string; readonly came: string[] }> {
  const came: string[] = [];
  const server = createServer((request, response) => {
    came.push(`${request.method} ${request.url}`);
    const isMoved = request.url === '/elsewhere';
    response.writeHead(isMoved ? 200 : status(), isMoved ? {} : headers).end(body);
  });
  const port = await listenOnLoopback(server);
  t.teardown(() => {
    server.close();
    server.closeAllConnections();
  });
  return { url: `http://127.0.0.1:${port}/`, came };
}

test('a redirect has not taken the event: it is not followed, and may be tried again', async (t) => {
  for (const status of [301, 302, 303, 307, 308]) {
    const sink = await sinkOf(t, () => status, { location: '/elsewhere' });
    const error = await t.throwsAsync(createSink({ url: sink.url })(eventOf()), {
      code: 'CLV_OVERLOADED',
    });
    t.regex(error?.message ?? '', new RegExp(`answered ${status} to test.event 1$`));
    t.deepEqual(sink.came, ['POST /']);
  }
});

test('what a sink says of a problem is told, as far as it is one of a known length', async (t) => {
  const problem = { code: 'CLV_EVENT_INVALID', detail: 'f does not take test.event', status: 400 };
  const message = async (body: string, headers: Record<string, string>): Promise<string> => {
    const length = { 'content-type': 'application/problem+json', ...headers };
    const { url } = await sinkOf(t, () => 400, length, body);
    const error = await t.throwsAsync(createSink({ url })(eventOf()), { code: 'CLV_EMIT_REFUSED' });
    return (error?.message ?? '').replace(/^.* answered /, '');
  };
  const known = (body: string): Promise<string> =>
    message(body, { 'content-length': `${Buffer.byteLength(body)}` });
  const bare = '400 to test.event 1';
  const text = JSON.stringify(problem);
  t.is(await known(text), `${bare}: CLV_EVENT_INVALID: f does not take test.event`);
  t.is(await known('{"detail":"no"}'), `${bare}: no`);
  t.is(await known(JSON.stringify({ detail: 'x'.repeat(200) })), `${bare}: ${'x'.repeat(127)}…`);
  for (const none of ['{', 'null', '[]', '{"detail":7}', `"${'x'.repeat(70_000)}"`]) {
    t.is(await known(none), bare);
  }
  const chunked = { 'transfer-encoding': 'chunked' };
  t.is(await message(text, chunked), bare);
  const html = { 'content-type': 'text/html', 'content-length': `${text.length}` };
  t.is(await message(text, html), bare);
});

test('what may get better is 503 to who sent the event, as the broker sees it; the rest is final', async (t) => {
  let status = 0;
  const { url } = await sinkOf(t, () => status);
  const emit = createSink({ url });
  const codeOf = async (answer: number): Promise<string> => {
    status = answer;
    const error = await emit(eventOf()).then(
      () => undefined,
      (thrown: unknown) => thrown,
    );
    return error instanceof CloverError ? error.code : String(error);
  };
  for (const taken of [200, 202, 204]) t.is(await codeOf(taken), 'undefined');
  for (const passing of [404, 408, 409, 429, 500, 502, 503, 504]) {
    t.is(await codeOf(passing), 'CLV_OVERLOADED', String(passing));
  }
  for (const hopeless of [400, 401, 403, 405, 410, 413, 415, 422]) {
    t.is(await codeOf(hopeless), 'CLV_EMIT_REFUSED', String(hopeless));
  }
});

test('the Retry-After of a sink is passed on, in seconds also where it is a date', async (t) => {
  const clock = { now: () => Date.parse('2027-01-15T08:00:00Z') };
  for (const [header, retryAfter] of [
    ['7', 7],
    ['Fri, 15 Jan 2027 08:01:00 GMT', 60],
    ['Fri, 15 Jan 2027 07:00:00 GMT', 0],
    ['soon', undefined],
  ] as const) {
    const { url } = await sinkOf(t, () => 503, { 'retry-after': header });
    const error = await t.throwsAsync(createSink({ url, clock })(eventOf()));
    t.like(error, { code: 'CLV_OVERLOADED', retryAfter }, header);
  }
});

test('a sink that does not answer in time, or at all, may be tried again', async (t) => {
  const silent = createServer(() => undefined);
  const port = await listenOnLoopback(silent);
  t.teardown(() => {
    silent.close();
    silent.closeAllConnections();
  });
  for (const url of [`http://127.0.0.1:${port}/`, 'http://127.0.0.1:1/']) {
    await t.throwsAsync(createSink({ url, timeoutMs: 50 })(eventOf()), { code: 'CLV_OVERLOADED' });
  }
});

test('a sink that asks who sends is shown the token that is in the file', async (t) => {
  const shown: (string | undefined)[] = [];
  const server = createServer((request, response) => {
    shown.push(request.headers.authorization);
    response.writeHead(202).end();
  });
  const url = `http://127.0.0.1:${await listenOnLoopback(server)}/`;
  const folder = await mkdtemp(join(tmpdir(), 'clover-sink-'));
  t.teardown(async () => {
    server.close();
    server.closeAllConnections();
    await rm(folder, { recursive: true });
  });
  const tokenFile = join(folder, 'token');
  const emit = createSink({ url, tokenFile });
  await t.throwsAsync(emit(eventOf()), { code: 'CLV_CONFIG_INVALID', message: /cannot read/ });
  await writeFile(tokenFile, 'secret\n');
  await emit(eventOf());
  await createSink({ url })(eventOf());
  t.deepEqual(shown, ['Bearer secret', undefined]);
});

test('a K_SINK that no event can be sent to is refused at the start, and no password shown', (t) => {
  for (const url of ['', 'sink', 'ftp://sink/', 'http://']) {
    t.throws(() => createSink({ url }), {
      code: 'CLV_CONFIG_INVALID',
      message: /^K_SINK: found "/,
    });
  }
  const error = t.throws(() => createSink({ url: 'http://me:secret@sink/' }), {
    code: 'CLV_CONFIG_INVALID',
  });
  t.notRegex(error.message, /secret/);
});

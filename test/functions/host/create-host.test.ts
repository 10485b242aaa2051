import { Router } from 'express';
import test from 'ava';
import { mountRouter } from '../../../functions/host/mount-router.ts';
import type { HttpRequest, HttpResponse } from '../../../functions/host/http.ts';
import type { CloudEvent } from '../../../functions/lib/cloud-event.ts';
import { CloverError } from '../../../functions/lib/errors.ts';
import { eventOf, handlersOf, until } from './helpers.ts';
import { authorization, post, raw, start } from './start-host.ts';

test('an event of each kind reaches its function whole', async (t) => {
  const seen: CloudEvent[] = [];
  const { url } = await start(t, {
    handlers: handlersOf(['a', 'direct'], async (event) => {
      seen.push(event);
    }),
  });
  const event = eventOf({
    type: 'direct',
    subject: 'ü',
    data: Buffer.from([1, 2]),
    datacontenttype: 'x/y',
  });
  t.is((await post(`${url}/functions/f`, event)).status, 204);
  t.is((await post(`${url}/functions/f`, eventOf({ type: 'a' }))).status, 204);
  t.deepEqual(seen[0], event);
});

test('a reply is answered as an event in binary mode, in the trace of its cause', async (t) => {
  const reply = eventOf({
    id: '2',
    type: 'answer',
    datacontenttype: 'text/plain',
    data: Buffer.from('pong'),
  });
  const { url } = await start(t, { handlers: handlersOf(['direct'], async () => reply) });
  const traceparent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';
  const response = await post(`${url}/functions/f`, eventOf({ type: 'direct' }), { traceparent });
  t.is(response.status, 200);
  t.is(response.headers.get('ce-type'), 'answer');
  t.is(response.headers.get('ce-traceparent'), traceparent);
  t.is(response.headers.get('content-type'), 'text/plain');
  t.is(await response.text(), 'pong');
});

test('a type that the catalogue does not name is 400 and says which ones it does', async (t) => {
  const { url } = await start(t, { handlers: handlersOf(['other'], async () => t.fail()) });
  const response = await post(`${url}/functions/f`, eventOf({ type: 'other' }));
  t.is(response.status, 400);
  t.regex(await response.text(), /must be one of: a, direct/);
});

test('the broker answers 202 after the commit, and 503 with Retry-After when full', async (t) => {
  let full = false;
  const { url } = await start(
    t,
    {},
    {
      publish: async () => {
        if (full) throw new CloverError('CLV_OVERLOADED', 'full', { retryAfter: 7 });
      },
    },
  );
  t.is((await post(`${url}/broker`, eventOf())).status, 202);
  full = true;
  const response = await post(`${url}/broker`, eventOf());
  t.is(response.status, 503);
  t.is(response.headers.get('retry-after'), '7');
  t.is((await post(`${url}/broker`, eventOf({ data: Buffer.alloc(256 * 1024 + 1) }))).status, 413);
});

test('every refusal is a problem with a code', async (t) => {
  const { url } = await start(t, {
    handlers: handlersOf(['direct'], async ({ id }) => {
      if (id === 'bug') throw new Error('secret of the inside');
      throw new CloverError('CLV_TELEMETRY_MALFORMED', 'bad bytes', {
        details: [{ field: 'data', message: 'at 7' }],
      });
    }),
  });
  const direct = eventOf({ type: 'direct' });
  const cases: [number, string, Promise<Response>][] = [
    [401, 'CLV_UNAUTHORIZED', post(`${url}/functions/f`, direct, { authorization: 'Bearer no' })],
    [401, 'CLV_UNAUTHORIZED', fetch(`${url}/apis`)],
    [404, 'CLV_NOT_FOUND', fetch(`${url}/nothing`, { headers: { authorization } })],
    [404, 'CLV_NOT_FOUND', post(`${url}/functions/g`, direct)],
    [
      400,
      'CLV_ARGUMENT_INVALID',
      fetch(`${url}/functions/%ff`, { method: 'POST', headers: { authorization } }),
    ],
    [405, 'CLV_METHOD_NOT_ALLOWED', fetch(`${url}/broker`, { headers: { authorization } })],
    [405, 'CLV_METHOD_NOT_ALLOWED', fetch(`${url}/health/live`, { method: 'POST' })],
    [
      415,
      'CLV_UNSUPPORTED_MEDIA_TYPE',
      post(`${url}/broker`, direct, { 'content-encoding': 'lz4' }),
    ],
    [
      415,
      'CLV_UNSUPPORTED_MEDIA_TYPE',
      post(`${url}/broker`, direct, { 'content-type': 'application/cloudevents+avro' }),
    ],
    [
      400,
      'CLV_EVENT_INVALID',
      fetch(`${url}/broker`, { method: 'POST', headers: { authorization } }),
    ],
    [400, 'CLV_TELEMETRY_MALFORMED', post(`${url}/functions/f`, direct)],
    [500, 'CLV_INTERNAL', post(`${url}/functions/f`, { ...direct, id: 'bug' })],
  ];
  for (const [status, code, pending] of cases) {
    const response = await pending;
    const text = await response.text();
    const problem: unknown = JSON.parse(text);
    t.is(response.status, status, text);
    t.is(response.headers.get('content-type'), 'application/problem+json');
    t.like(problem, { type: 'about:blank', status, code });
    t.notRegex(text, /secret|\.ts:/);
    t.truthy(response.headers.get('x-request-id'));
    if (status === 405) t.truthy(response.headers.get('allow'));
    if (status === 401) t.regex(response.headers.get('www-authenticate') ?? '', /^Bearer/);
  }
});

test('a function has a bounded number of events in hand', async (t) => {
  const gate = Promise.withResolvers<void>();
  let running = 0;
  const { url } = await start(
    t,
    {
      handlers: handlersOf(['direct'], () => {
        running += 1;
        return gate.promise;
      }),
    },
    { concurrency: 2 },
  );
  const held = [1, 2].map(() => post(`${url}/functions/f`, eventOf({ type: 'direct' })));
  await until(() => running === 2);
  const refused = await post(`${url}/functions/f`, eventOf({ type: 'direct' }));
  t.is(refused.status, 429);
  t.truthy(refused.headers.get('retry-after'));
  gate.resolve();
  for (const response of await Promise.all(held)) t.is(response.status, 204);
});

test('an invocation past its deadline is aborted and answered 504', async (t) => {
  let reason: unknown;
  const { url } = await start(
    t,
    {
      handlers: handlersOf(
        ['direct'],
        (_event, { signal }) =>
          new Promise((resolve) => {
            signal.addEventListener('abort', () => {
              try {
                signal.throwIfAborted();
              } catch (error) {
                reason = error;
              }
              resolve();
            });
          }),
      ),
    },
    { deadlineMs: 50 },
  );
  const response = await post(`${url}/functions/f`, eventOf({ type: 'direct' }));
  t.is(response.status, 504);
  t.true(reason instanceof CloverError);
});

test('a router sees its full path, and only below the paths of the catalogue', async (t) => {
  const router = Router();
  router.use((request: HttpRequest, response: HttpResponse) => {
    response.json({ path: request.path });
  });
  const { url } = await start(t, { routes: async () => mountRouter(router) });
  const get = (path: string): Promise<Response> =>
    fetch(url + path, { headers: { authorization } });
  t.deepEqual(await (await get('/one/x')).json(), { path: '/one/x' });
  t.deepEqual(await (await get('/two')).json(), { path: '/two' });
  t.is((await get('/onemore')).status, 404);
});

const head = `POST /broker HTTP/1.1\r\nhost: x\r\nauthorization: ${authorization}\r\n`;

test('a body that comes too slowly is 408', async (t) => {
  const { port } = await start(t, {}, { requestTimeoutMs: 300 });
  const answer = await raw(port, `${head}content-length: 10\r\n\r\n{`);
  t.regex(answer, /^HTTP\/1\.1 408 [^]*application\/problem\+json[^]*CLV_REQUEST_TIMEOUT/);
});

test('a huge head is 431, and noise is 400', async (t) => {
  const { port } = await start(t, {});
  const huge = await raw(port, `${head}x-large: ${'x'.repeat(20_000)}\r\n\r\n`);
  t.regex(huge, /^HTTP\/1\.1 431 [^]*application\/problem\+json[^]*CLV_HEADERS_TOO_LARGE/);
  const noise = await raw(port, 'this is not HTTP\r\n\r\n');
  t.regex(noise, /^HTTP\/1\.1 400 [^]*application\/problem\+json[^]*CLV_ARGUMENT_INVALID/);
});

test('the request id of the caller is kept when it is fit for a log', async (t) => {
  const { url } = await start(t, {});
  const get = async (id: string): Promise<string | null> =>
    (await fetch(`${url}/health/live`, { headers: { 'x-request-id': id } })).headers.get(
      'x-request-id',
    );
  t.is(await get('abc-1'), 'abc-1');
  t.not(await get('no spaces'), 'no spaces');
});

test('draining ends readiness, finishes what is in flight, and ends streams', async (t) => {
  const gate = Promise.withResolvers<void>();
  const router = Router();
  router.get('/one/stream', (_request: HttpRequest, response: HttpResponse) => {
    response.write('begun\n');
  });
  const { url, host } = await start(
    t,
    {
      routes: async () => mountRouter(router),
      handlers: handlersOf(['direct'], () => gate.promise),
    },
    { drainGraceMs: 2_000 },
  );
  const stream = await fetch(`${url}/one/stream`, { headers: { authorization } });
  const held = post(`${url}/functions/f`, eventOf({ type: 'direct' }));
  await until(() => host.pending() === 1);
  const draining = host.drain();
  const ready = await fetch(`${url}/health/ready`);
  t.is(ready.status, 503);
  t.is(ready.headers.get('connection'), 'close');
  t.is((await fetch(`${url}/health/live`)).status, 200);
  gate.resolve();
  await draining;
  t.is((await held).status, 204);
  await host.close();
  t.is(await stream.text(), 'begun\n');
  await t.throwsAsync(fetch(`${url}/health/live`));
});

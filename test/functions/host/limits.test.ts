import { connect, type Socket } from 'node:net';
import { once } from 'node:events';
import test from 'ava';
import { noTelemetry } from '../../../functions/host/telemetry.ts';
import type { CloudEvent } from '../../../functions/lib/cloud-event.ts';
import { eventOf, handlersOf, until } from './helpers.ts';
import { authorization, post, raw, start } from './start-host.ts';

const direct = (id: string): CloudEvent => eventOf({ id, type: 'direct' });
const batchOf = (...events: readonly CloudEvent[]): string =>
  JSON.stringify(
    events.map(({ id, type, source }) => ({ specversion: '1.0', id, type, source, data: {} })),
  );
const batchHeaders = { authorization, 'content-type': 'application/cloudevents-batch+json' };
/** The head of a POST whose body does not come. */
const withoutBody = (path: string, more: string): string =>
  `POST ${path} HTTP/1.1\r\nhost: x\r\nauthorization: ${authorization}\r\n${more}content-length: 100\r\n\r\n`;
const ce = 'ce-specversion: 1.0\r\nce-id: 1\r\nce-source: /t\r\nce-type: direct\r\n';

/** Opens connections that send this and then nothing; resolves once the host has taken them all. */
async function hang(
  t: { teardown(fn: () => void): void },
  port: number,
  count: number,
  text: string,
): Promise<readonly Socket[]> {
  const sockets = Array.from({ length: count }, () => connect(port, '127.0.0.1'));
  t.teardown(() => {
    for (const socket of sockets) socket.destroy();
  });
  await Promise.all(sockets.map((socket) => once(socket, 'connect')));
  for (const socket of sockets) {
    socket.on('error', () => undefined);
    socket.write(text);
  }
  return sockets;
}

test('a host that has too many requests in hand is 503 before it reads a body; health still answers', async (t) => {
  const { url, port, host } = await start(
    t,
    { handlers: handlersOf(['direct'], async () => undefined) },
    { maxRequests: 5 },
  );
  const hanging = await hang(t, port, 5, withoutBody('/functions/f', ce));
  await until(() => host.pending() === 5);
  const refused = await raw(port, withoutBody('/functions/f', ce));
  t.regex(
    refused,
    /^HTTP\/1\.1 503 [^]*retry-after: 1[^]*5 requests in hand","code":"CLV_OVERLOADED"/i,
  );
  t.regex(refused, /connection: close/i);
  t.is((await post(`${url}/broker`, direct('1'))).status, 503);
  t.is((await fetch(`${url}/health/ready`)).status, 200);
  for (const socket of hanging) socket.destroy();
  await until(() => host.pending() === 0);
  t.is((await post(`${url}/functions/f`, direct('1'))).status, 204);
});

test('the broker has a limit of its own for POSTs in hand', async (t) => {
  const gate = Promise.withResolvers<void>();
  let taken = 0;
  const { url, host } = await start(
    t,
    { handlers: handlersOf(['direct'], async () => undefined) },
    {
      publish: () => {
        taken += 1;
        return gate.promise;
      },
    },
  );
  const held = Array.from({ length: 512 }, (_, id) => post(`${url}/broker`, direct(String(id))));
  await until(() => taken === 512);
  const refused = await post(`${url}/broker`, direct('more'));
  t.is(refused.status, 503);
  t.is(refused.headers.get('retry-after'), '1');
  t.is((await post(`${url}/functions/f`, direct('1'))).status, 204, 'functions have room');
  gate.resolve();
  for (const response of await Promise.all(held)) t.is(response.status, 202);
  await until(() => host.pending() === 0);
  t.is((await post(`${url}/broker`, direct('more'))).status, 202);
});

test('batches are counted, and none is read while there are too many', async (t) => {
  const gate = Promise.withResolvers<void>();
  let running = 0;
  const { url, port, host } = await start(t, {
    handlers: handlersOf(['direct'], async ({ id }) => {
      if (id !== 'held') return;
      running += 1;
      await gate.promise;
    }),
  });
  const batch = (id: string): Promise<Response> =>
    fetch(`${url}/functions/f`, {
      method: 'POST',
      headers: batchHeaders,
      body: batchOf(direct(id)),
    });
  const held = Array.from({ length: 16 }, () => batch('held'));
  await until(() => running === 16);
  const head = 'content-type: application/cloudevents-batch+json\r\n';
  t.regex(
    await raw(port, withoutBody('/functions/f', head)),
    /^HTTP\/1\.1 503 [^]*16 batches are in hand/,
  );
  t.is((await post(`${url}/functions/f`, direct('1'))).status, 204, 'single events have room');
  gate.resolve();
  for (const response of await Promise.all(held)) t.is(response.status, 200);
  await until(() => host.pending() === 0);
  t.is((await batch('1')).status, 200);
});

test('batches and POSTs to the broker that do not come in keep no place from others', async (t) => {
  const { url, port, host } = await start(t, {
    handlers: handlersOf(['direct'], async () => undefined),
  });
  const head = 'content-type: application/cloudevents-batch+json\r\n';
  await hang(t, port, 20, withoutBody('/functions/f', head));
  await hang(t, port, 520, withoutBody('/broker', ce));
  await until(() => host.pending() === 540);
  const batch = { method: 'POST', headers: batchHeaders, body: batchOf(direct('1')) };
  t.is((await fetch(`${url}/functions/f`, batch)).status, 200);
  t.is((await post(`${url}/broker`, direct('1'))).status, 202);
});

test('bodies that come in too slowly are 408 and counted, long before the time of a request is over', async (t) => {
  const counts = new Map<string, number>();
  const { url, port, host } = await start(
    t,
    { handlers: handlersOf(['direct'], async () => undefined) },
    {
      maxRequests: 3,
      leastPace: { windowMs: 100, bytes: 50 },
      telemetry: {
        ...noTelemetry,
        count: (name, by) => counts.set(name, (counts.get(name) ?? 0) + by),
      },
    },
  );
  const zstd = 'content-type: application/cloudevents-batch+json\r\ncontent-encoding: zstd\r\n';
  const answers = [
    withoutBody('/functions/f', ce),
    withoutBody('/functions/f', zstd),
    withoutBody('/broker', ce),
  ].map((text) => raw(port, text));
  for (const answer of await Promise.all(answers)) {
    t.regex(
      answer,
      /^HTTP\/1\.1 408 [^]*connection: close[^]*less than 50 bytes [^]*CLV_REQUEST_TIMEOUT/i,
    );
  }
  t.is(counts.get('clover.host.bodies.slow'), 3);
  await until(() => host.pending() === 0);
  t.is((await post(`${url}/functions/f`, direct('1'))).status, 204, 'their places are free');
});

test('bodies that do not come in keep no handler from others', async (t) => {
  const gate = Promise.withResolvers<void>();
  let running = 0;
  const { url, port, host } = await start(
    t,
    {
      handlers: handlersOf(['direct'], async ({ id }) => {
        if (id !== 'held') return;
        running += 1;
        await gate.promise;
      }),
    },
    { concurrency: 2 },
  );
  const [slow, ...others] = await hang(t, port, 20, withoutBody('/functions/f', ce));
  await until(() => host.pending() === 20);
  t.is((await post(`${url}/functions/f`, direct('1'))).status, 204);
  const held = [1, 2].map(() => post(`${url}/functions/f`, direct('held')));
  await until(() => running === 2);
  const early = await raw(port, withoutBody('/functions/f', ce));
  t.regex(early, /^HTTP\/1\.1 429 [^]*2 events in hand/, 'while all are busy no body is read');
  let late = '';
  slow?.on('data', (data) => (late += data.toString()));
  slow?.write('x'.repeat(100));
  await until(() => late !== '');
  t.regex(late, /^HTTP\/1\.1 429 [^]*retry-after: 1/i, 'nor is one taken that is whole by then');
  gate.resolve();
  for (const response of await Promise.all(held)) t.is(response.status, 204);
  for (const socket of others) socket.destroy();
  await until(() => host.pending() === 0);
  t.is((await post(`${url}/functions/f`, direct('1'))).status, 204);
});

test('slow heads, slow bodies, 10^5 headers and huge addresses are cut while others are served', async (t) => {
  const { url, port, host } = await start(
    t,
    { handlers: handlersOf(['direct'], async () => undefined) },
    { requestTimeoutMs: 400 },
  );
  const drip = (text: string): Promise<string> =>
    new Promise((resolve) => {
      const socket = connect(port, '127.0.0.1');
      let answer = '';
      let at = 0;
      const timer = setInterval(() => socket.write(text[(at += 1)] ?? 'x'), 20);
      socket.write(text[0] ?? '');
      socket.on('data', (data) => (answer += data.toString()));
      socket.on('error', () => undefined);
      socket.on('close', () => {
        clearInterval(timer);
        resolve(answer);
      });
    });
  const cut = [
    ...Array.from({ length: 40 }, () => drip('GET /health/live HTTP/1.1\r\nx: y')),
    ...Array.from({ length: 30 }, async () => {
      const socket = connect(port, '127.0.0.1');
      socket.on('error', () => undefined);
      let answer = '';
      socket.on('data', (data) => (answer += data.toString()));
      socket.write(withoutBody('/functions/f', ce));
      await once(socket, 'close');
      return answer;
    }),
  ];
  const large = [
    raw(port, `GET / HTTP/1.1\r\nhost: x\r\n${'a: b\r\n'.repeat(100_000)}\r\n`),
    raw(port, `GET /${'x'.repeat(1_000_000)} HTTP/1.1\r\nhost: x\r\n\r\n`),
  ];
  t.is((await post(`${url}/broker`, direct('1'))).status, 202);
  for (const answer of await Promise.all(cut)) t.regex(answer, /^HTTP\/1\.1 408 /);
  for (const answer of await Promise.all(large)) t.regex(answer, /^HTTP\/1\.1 431 /);
  await until(() => host.pending() === 0);
  t.is((await post(`${url}/functions/f`, direct('2'))).status, 204);
});

test('when a caller goes its handler is told, and what the handler does all the same stands', async (t) => {
  const gate = Promise.withResolvers<void>();
  const effects: string[] = [];
  let reason: unknown;
  const { url, port, host } = await start(
    t,
    {
      handlers: handlersOf(['direct'], async ({ id }, { signal }) => {
        signal.addEventListener('abort', () => {
          try {
            signal.throwIfAborted();
          } catch (error) {
            reason = error;
          }
        });
        if (effects.push(`begun ${id}`) === 1) await gate.promise;
        effects.push(`done ${id}`);
      }),
    },
    { concurrency: 1 },
  );
  const socket = connect(port, '127.0.0.1');
  socket.write(
    `POST /functions/f HTTP/1.1\r\nhost: x\r\nauthorization: ${authorization}\r\n${ce}content-length: 0\r\n\r\n`,
  );
  await until(() => effects.length === 1);
  socket.destroy();
  await until(() => reason !== undefined);
  t.like(reason, { code: 'CLV_CALLER_GONE' });
  t.is((await post(`${url}/functions/f`, direct('1'))).status, 429, 'it still has its slot');
  gate.resolve();
  await until(() => host.pending() === 0);
  t.is((await post(`${url}/functions/f`, direct('1'))).status, 204);
  t.deepEqual(effects, ['begun 1', 'done 1', 'begun 1', 'done 1'], 'the caller sends it again');
});

test('when the caller of a batch goes nothing more of it is begun', async (t) => {
  const gate = Promise.withResolvers<void>();
  const begun: string[] = [];
  let told = 0;
  const { port, host } = await start(t, {
    handlers: handlersOf(['direct'], async ({ id }, { signal }) => {
      begun.push(id);
      signal.addEventListener('abort', () => {
        told += 1;
      });
      await gate.promise;
    }),
  });
  const body = batchOf(...Array.from({ length: 30 }, (_, id) => direct(String(id))));
  const socket = connect(port, '127.0.0.1');
  socket.write(
    `POST /functions/f HTTP/1.1\r\nhost: x\r\nauthorization: ${authorization}\r\n` +
      `content-type: application/cloudevents-batch+json\r\ncontent-length: ${body.length}\r\n\r\n${body}`,
  );
  await until(() => begun.length === 8);
  socket.destroy();
  await until(() => told === 8);
  gate.resolve();
  await host.drain();
  t.is(begun.length, 8);
});

import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { connect, createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Writable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import test, { type ExecutionContext } from 'ava';
import { pino } from 'pino';
import { z } from 'zod';
import type { Sinks } from '../../../agent/sinks.ts';
import { listenOnLoopback } from '../../functions/host/helpers.ts';
import { eventually } from '../helpers/test-agent.ts';
import { startOtlpServer, type OtlpAnswer, type OtlpServer } from './otlp-server.ts';
import { openTestSinks, podOf } from './test-sinks.ts';
import { batchOf } from './traced.ts';

async function open(
  t: ExecutionContext,
  endpoint: string,
  protocol: 'http' | 'grpc',
  more: object = {},
): Promise<Sinks> {
  const dir = await mkdtemp(join(tmpdir(), 'clover-sinks-'));
  const sinks = await openTestSinks(dir, {
    jaeger: { protocol, endpoint, headers: { 'x-tenant': 'a' }, token: 'secret', ...more },
  });
  t.teardown(async () => {
    await sinks.stop(0);
    await rm(dir, { recursive: true, force: true });
  });
  sinks.route([podOf('web', ['jaeger']), podOf('db', [])]);
  return sinks;
}

const counters = (sinks: Sinks) => {
  const found = sinks.counters().byName['jaeger'];
  if (found === undefined) throw new Error('no such sink');
  const { entered, accepted, rejected, lost, pending } = found;
  const lostSpans = Object.fromEntries(
    Object.entries(lost).map(([cause, { spans }]) => [cause, spans]),
  );
  return {
    entered: entered.spans,
    accepted: accepted.spans,
    rejected: rejected.spans,
    pending: pending.spans,
    lost: lostSpans,
  };
};

/** `partial_success {rejected_spans: 1, error_message: "x"}`. */
const partial = Buffer.from('0a050801120178', 'hex');
/** google.rpc.Status with a RetryInfo of 50 ms. */
const info = Buffer.from('0a0510 80e1eb17'.replaceAll(' ', ''), 'hex');
const any = (value: Buffer): Buffer => {
  const type = Buffer.from('type.googleapis.com/google.rpc.RetryInfo');
  return Buffer.concat([
    Buffer.from([0x0a, type.length]),
    type,
    Buffer.from([0x12, value.length]),
    value,
  ]);
};
const retryInfo = any(info);
const status = Buffer.concat([Buffer.from([0x08, 8, 0x1a, retryInfo.length]), retryInfo]);
const details = { 'grpc-status-details-bin': status.toString('base64') };

interface Words {
  readonly later: readonly OtlpAnswer[];
  readonly never: OtlpAnswer;
}

const words: Readonly<Record<'http' | 'grpc', Words>> = {
  http: {
    later: [{ status: 503 }, { status: 429, headers: { 'retry-after': '0' } }, { status: 502 }],
    never: { status: 500 },
  },
  grpc: {
    later: [{ status: 14 }, { status: 8, headers: details }, { status: 4 }],
    never: { status: 8 },
  },
};

for (const protocol of ['http', 'grpc'] as const) {
  const begin = async (t: ExecutionContext): Promise<{ server: OtlpServer; sinks: Sinks }> => {
    const server = await startOtlpServer(t, protocol);
    return { server, sinks: await open(t, server.url, protocol) };
  };

  test(`${protocol}: the spans of the pods that name a sink come there, once`, async (t) => {
    const { server, sinks } = await begin(t);
    sinks.push(await batchOf({ web: 3, db: 2 }));
    await eventually('accepted', () => counters(sinks).accepted === 3);
    t.is(server.spans.length, 3);
    t.true(server.spans.every(({ resource }) => resource['k8s.pod.uid'] === 'web'));
    t.like(server.requests[0], { 'x-tenant': 'a', authorization: 'Bearer secret' });
    t.deepEqual(counters(sinks), { entered: 3, accepted: 3, rejected: 0, pending: 0, lost: {} });
  });

  test(`${protocol}: what may be sent again is, what may not is kept apart and counted`, async (t) => {
    const { server, sinks } = await begin(t);
    const { later, never } = words[protocol];
    server.answers.push(...later, { body: partial }, never);
    sinks.push(await batchOf({ web: 4 }));
    await eventually('accepted', () => counters(sinks).accepted === 3);
    t.is(server.requests.length, later.length + 1);
    sinks.push(await batchOf({ web: 2 }, 2));
    await eventually('rejected', () => counters(sinks).rejected === 2);
    t.is(server.requests.length, later.length + 2);
    t.deepEqual(counters(sinks), {
      entered: 6,
      accepted: 3,
      rejected: 2,
      pending: 0,
      lost: { refused: 1 },
    });
  });
}

test('while a sink is down its spans wait on disk; beyond the limit the oldest are counted as lost', async (t) => {
  // Port 9 of loopback: nobody is there.
  const sinks = await open(t, 'http://127.0.0.1:9', 'grpc', { spoolLimitBytes: 64 * 1024 });
  let sent = 0;
  for (let sequence = 1; sequence <= 40; sequence += 1) {
    sinks.push(await batchOf({ web: 150 }, sequence));
    sent += 150;
  }
  await sinks.drained();
  const { entered, pending, lost, accepted } = counters(sinks);
  t.is(entered, sent);
  t.is(accepted, 0);
  t.true((lost['spool_full'] ?? 0) > 0);
  t.is(pending + (lost['spool_full'] ?? 0), sent);
  t.true((sinks.counters().byName['jaeger']?.spoolBytes ?? 0) <= 64 * 1024);
});

test('routes change at once, and a name that nobody knows is told', async (t) => {
  const server = await startOtlpServer(t, 'http');
  const sinks = await open(t, server.url, 'http');
  sinks.route([podOf('web', ['unheard']), podOf('db', ['jaeger'])]);
  t.deepEqual(sinks.counters().unknown, ['unheard']);
  sinks.push(await batchOf({ web: 3, db: 2 }));
  await eventually('accepted', () => counters(sinks).accepted === 2);
  t.true(server.spans.every(({ resource }) => resource['k8s.pod.uid'] === 'db'));
});

/** A way to a server; the first connection over it is one that leads nowhere. */
async function deadAtFirst(t: ExecutionContext, url: string): Promise<string> {
  const sockets = new Set<Socket>();
  const proxy = createServer((socket) => {
    const isFirst = sockets.size === 0;
    sockets.add(socket);
    socket.on('error', () => undefined);
    if (isFirst) return;
    const onward = connect(Number(new URL(url).port), '127.0.0.1');
    sockets.add(onward);
    onward.on('error', () => undefined);
    socket.pipe(onward).pipe(socket);
  });
  const port = await listenOnLoopback(proxy);
  t.teardown(() => {
    proxy.close();
    for (const socket of sockets) socket.destroy();
  });
  return `http://127.0.0.1:${port}`;
}

test('grpc: what a dead connection swallowed is sent again over a new one', async (t) => {
  t.timeout(60_000);
  const server = await startOtlpServer(t, 'grpc');
  const sinks = await open(t, await deadAtFirst(t, server.url), 'grpc');
  sinks.push(await batchOf({ web: 3 }));
  await eventually('accepted', () => counters(sinks).accepted === 3);
  t.is(server.requests.length, 1);
});

/** A folder in which an earlier boot has left three spans for `jaeger`. */
async function withLeftovers(t: ExecutionContext): Promise<string> {
  const dir = await mkdtemp(join(tmpdir(), 'clover-sinks-'));
  t.teardown(() => rm(dir, { recursive: true, force: true }));
  const earlier = await openTestSinks(dir, { jaeger: { endpoint: 'http://127.0.0.1:9' } });
  earlier.route([podOf('web', ['jaeger'])]);
  earlier.push(await batchOf({ web: 3 }));
  await earlier.drained();
  await earlier.stop(0);
  return dir;
}

test('what earlier boots left has books of its own', async (t) => {
  const dir = await withLeftovers(t);
  const server = await startOtlpServer(t, 'http');
  server.answers.push({ status: 503, headers: { 'retry-after': '1' } });
  const sinks = await openTestSinks(dir, { jaeger: { endpoint: server.url } });
  t.teardown(() => sinks.stop(0));
  const inherited = () => sinks.counters().byName['jaeger']?.inherited;
  const [some, none] = [
    { batches: 1, spans: 3 },
    { batches: 0, spans: 0 },
  ];
  const all = { entered: some, accepted: none, rejected: none, lost: {}, pending: some };
  t.deepEqual(inherited(), all);
  await eventually('accepted', () => inherited()?.accepted.spans === 3);
  t.deepEqual(inherited(), { ...all, accepted: some, pending: none });
  t.is(counters(sinks).entered, 0);
});

test('where one sink cannot be opened, those before it send nothing', async (t) => {
  const dir = await withLeftovers(t);
  const server = await startOtlpServer(t, 'http');
  const jaeger = { endpoint: server.url };
  const broken = { endpoint: 'https://127.0.0.1:9', caFile: join(dir, 'nothing.pem') };
  await t.throwsAsync(openTestSinks(dir, { jaeger, broken }), { code: 'CLV_CONFIG_INVALID' });
  await sleep(500);
  t.deepEqual(server.requests, []);
});

test('what waits for a sink that is configured no more is removed and counted, once no earlier agent lives', async (t) => {
  const dir = await withLeftovers(t);
  const collector = { endpoint: 'http://127.0.0.1:9' };
  const sinks = await openTestSinks(dir, { collector }, { takeLeftovers: false });
  t.teardown(() => sinks.stop(0));
  t.deepEqual(sinks.counters().removed, {});
  t.deepEqual(await readdir(join(dir, 'sinks')), ['collector', 'jaeger']);
  await sinks.adopt();
  t.deepEqual(sinks.counters().removed, { jaeger: { batches: 1, spans: 3 } });
  t.deepEqual(await readdir(join(dir, 'sinks')), ['collector']);
});

test('a sink that is gone is removed by the first start without it', async (t) => {
  const dir = await withLeftovers(t);
  const sinks = await openTestSinks(dir, {});
  t.deepEqual(sinks.counters().removed, { jaeger: { batches: 1, spans: 3 } });
  t.deepEqual(await readdir(join(dir, 'sinks')), []);
});

test('records wait in a spool that is made for them, and the next agent sends them to where logs go', async (t) => {
  const dir = await mkdtemp(join(tmpdir(), 'clover-sinks-'));
  t.teardown(() => rm(dir, { recursive: true, force: true }));
  const server = await startOtlpServer(t, 'http');
  const earlier = await openTestSinks(dir, { jaeger: { endpoint: 'http://127.0.0.1:9' } });
  const more = { takeLeftovers: false };
  const next = await openTestSinks(dir, { jaeger: { endpoint: server.url } }, more);
  t.teardown(() => next.stop(0));
  t.deepEqual(await readdir(join(dir, 'sinks')), ['jaeger']);
  earlier.route([podOf('web', ['jaeger'], ['jaeger']), podOf('db', ['jaeger'])]);
  const { spans: records, ...batch } = await batchOf({ web: 3, db: 2 });
  earlier.pushRecords({ ...batch, records });
  await earlier.drained();
  await earlier.stop(0);
  t.deepEqual(await readdir(join(dir, 'sinks')), ['jaeger', 'jaeger.logs']);
  t.deepEqual(Object.keys(next.counters().byName), ['jaeger']);
  await next.adopt();
  const inherited = () => next.counters().byName['jaeger.logs']?.inherited;
  await eventually('accepted', () => inherited()?.accepted.spans === 3);
  t.is(server.requests[0]?.['path'], '/v1/logs');
  t.deepEqual(next.counters().removed, {});
});

test('refusals for ever are one line in the log until something is taken', async (t) => {
  const lines: string[] = [];
  const log = pino(
    { level: 'info' },
    new Writable({
      write(chunk: Buffer, _encoding, done) {
        lines.push(z.object({ msg: z.string() }).parse(JSON.parse(chunk.toString())).msg);
        done();
      },
    }),
  );
  const server = await startOtlpServer(t, 'http');
  const dir = await mkdtemp(join(tmpdir(), 'clover-sinks-'));
  const sinks = await openTestSinks(dir, { jaeger: { endpoint: server.url } }, { log });
  t.teardown(async () => {
    await sinks.stop(0);
    await rm(dir, { recursive: true, force: true });
  });
  sinks.route([podOf('web', ['jaeger'])]);
  let sequence = 0;
  const send = async (code: number): Promise<void> => {
    server.answers.push({ status: code });
    sequence += 1;
    sinks.push(await batchOf({ web: 1 }, sequence));
    const ended = (): number => counters(sinks).accepted + counters(sinks).rejected;
    await eventually('an end', () => ended() === sequence);
  };
  for (const answer of [400, 400, 400, 200, 400]) await send(answer);
  t.deepEqual(lines, [
    'a batch was refused for ever',
    'the receiver takes spans again',
    'a batch was refused for ever',
  ]);
});

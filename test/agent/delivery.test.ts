import { mkdir, readdir, readFile, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { gzipSync, zstdCompressSync } from 'node:zlib';
import test from 'ava';
import { encodeSpoolFile } from '../../agent/spool-file.ts';
import { createMemoryCapture, type MemoryCapture } from './helpers/memory-capture.ts';
import { eventually, makeBed } from './helpers/test-agent.ts';
import { startOtlpServer } from './otlp/otlp-server.ts';

const sum = (counts: Map<string, number>): number =>
  [...counts.values()].reduce((total, count) => total + count, 0);

test('a batch goes out as a binary CloudEvent with its ledger attributes', async (t) => {
  const bed = await makeBed(t);
  const { agent, capture } = await bed.start();
  capture.setWatermark(1_234.5);
  capture.finish(3);
  await capture.flush();
  await eventually('delivery', () => bed.plane.storedSpans().size === 1);
  const request = bed.plane.received.find(({ path }) => path === '/functions/ingest');
  t.like(request?.headers, {
    'ce-specversion': '1.0',
    'ce-type': 'dev.clover.telemetry.spans.v1',
    'ce-source': agent.source,
    'ce-id': '1',
    'ce-cloverspans': '3',
    'ce-cloverwm': '1234.5',
    'content-type': 'application/x-protobuf',
    'content-encoding': 'zstd',
    authorization: 'Bearer secret',
  });
  t.false('ce-cloverloss' in (request?.headers ?? {}));
  await eventually('an empty spool', async () => (await bed.spooled()).length === 0);
});

test('while the receiver is down everything is kept, and delivered once it returns', async (t) => {
  const bed = await makeBed(t);
  const { agent, capture } = await bed.start();
  await bed.plane.down();
  for (let batch = 0; batch < 12; batch += 1) {
    capture.finish(10);
    await capture.flush();
  }
  await eventually('spooling', async () => (await bed.spooled()).length === 12);
  const during = await bed.ledger(agent);
  t.is(during.unexplained, 0);
  t.is(during.sink.pending.spans, 120);
  await bed.plane.up();
  await eventually('delivery', () => bed.plane.storedSpans().size === 12);
  t.is(sum(bed.plane.storedSpans()), 120);
  await eventually('acceptance', async () => (await bed.ledger(agent)).sink.accepted.spans === 120);
  // A file goes after its spans are counted.
  await eventually('an empty spool', async () => (await bed.spooled()).length === 0);
});

test('Retry-After of a 503 is respected', async (t) => {
  const bed = await makeBed(t);
  let refusals = 0;
  bed.plane.answer('/functions/ingest', () => {
    refusals += 1;
    return refusals === 1 ? { status: 503, headers: { 'retry-after': '2' } } : { status: 200 };
  });
  const { capture } = await bed.start();
  capture.finish(1);
  await capture.flush();
  await eventually('delivery', () => bed.plane.storedSpans().size === 1);
  const [first, second] = bed.plane.received.filter(({ path }) => path === '/functions/ingest');
  t.true((second?.at ?? 0) - (first?.at ?? 0) >= 1_950);
});

test('a refused batch is put aside and counted, and the next ones go on', async (t) => {
  const bed = await makeBed(t);
  bed.plane.answer('/functions/ingest', ({ headers }) =>
    headers['ce-id'] === '2' ? { status: 400, body: '{"code":"X"}' } : { status: 202 },
  );
  const { agent, capture } = await bed.start();
  for (let batch = 1; batch <= 3; batch += 1) {
    capture.finish(batch);
    await capture.flush();
  }
  await eventually('delivery', () => bed.plane.storedSpans().size === 2);
  await eventually('rejection', async () => (await bed.ledger(agent)).sink.rejected.spans === 2);
  const ledger = await bed.ledger(agent);
  t.deepEqual(ledger.sink.accepted, { batches: 2, spans: 4 });
  t.is(ledger.unexplained, 0);
  t.is((await readdir(join(bed.dir, 'spool', 'rejected'))).length, 1);
});

test('a full spool loses its oldest spans, counts them, and says so in later batches', async (t) => {
  const bed = await makeBed(t);
  await bed.plane.down();
  const { agent, capture } = await bed.start({ limitBytes: 65_536 });
  const batches = 400;
  for (let batch = 0; batch < batches; batch += 1) {
    capture.finish(7);
    await capture.flush();
  }
  await eventually(
    'loss',
    async () => ((await bed.ledger(agent)).sink.lost['spool_full']?.spans ?? 0) > 0,
  );
  await bed.plane.up();
  await eventually('delivery', async () => (await bed.ledger(agent)).sink.pending.spans === 0);
  const { sink, unexplained } = await bed.ledger(agent);
  t.is(unexplained, 0);
  t.is(sink.accepted.spans + (sink.lost['spool_full']?.spans ?? 0), 7 * batches);
  const stored = [...bed.plane.storedSpans().keys()].map((key) => Number(key.split(' ')[1]));
  t.true(stored.includes(batches), 'the newest is there');
  t.true(Math.min(...stored) > 1, 'the oldest is not');
  t.true(
    bed.plane.received.some(({ headers }) =>
      String(headers['ce-cloverloss']).startsWith('spans.spool_full='),
    ),
  );
});

test('a restart sends what the boot before left, as that boot', async (t) => {
  const bed = await makeBed(t);
  bed.plane.answer('/functions/ingest', () => ({ status: 503, headers: { 'retry-after': '9' } }));
  const first = await bed.start();
  first.capture.finish(5);
  await first.capture.flush();
  await eventually('spooling', async () => (await bed.spooled()).length === 1);
  t.is(await first.agent.stop(), 1);

  bed.plane.answer('/functions/ingest', () => ({ status: 200 }));
  const second = await bed.start();
  await eventually('delivery', () => bed.plane.storedSpans().size === 1);
  t.deepEqual([...bed.plane.storedSpans()], [[`${first.agent.source} 1`, 5]]);
  await eventually(
    'counting',
    async () => (await bed.ledger(second.agent)).inherited.accepted.spans === 5,
  );
  const { sink, unexplained } = await bed.ledger(second.agent);
  t.is(sink.entered.spans, 0);
  t.is(unexplained, 0);
});

test('a damaged spool file and a half-written one do no harm', async (t) => {
  const bed = await makeBed(t);
  const spool = join(bed.dir, 'spool');
  await mkdir(spool, { recursive: true });
  const name = '00001700000000-00112233445566aa-0000000001-9.spans';
  await writeFile(join(spool, name), '{"source":"/nodes/n/b","id":"1"}\nshort');
  await writeFile(join(spool, `${name}.tmp`), 'half');
  const { agent, capture } = await bed.start();
  capture.finish(1);
  await capture.flush();
  await eventually('delivery', () => bed.plane.storedSpans().size === 1);
  await eventually('an empty spool', async () => (await bed.spooled()).length === 0);
  t.deepEqual(await readdir(spool), ['rejected']);
  t.is((await bed.ledger(agent)).unexplained, 0);
});

test('a spool file that cannot be read now is kept, and does not hold up the others', async (t) => {
  const bed = await makeBed(t);
  const spool = join(bed.dir, 'spool');
  const source = '/nodes/node-1/00112233445566aa';
  const file = join(spool, '00001700000000-00112233445566aa-0000000001-5.spans');
  // A folder in its place: the system refuses to read it (EISDIR), as it does without room for a descriptor.
  await mkdir(spool, { recursive: true });
  await symlink(bed.dir, file);
  const { agent, capture } = await bed.start();
  capture.finish(2);
  await capture.flush();
  await eventually('the other one', () => sum(bed.plane.storedSpans()) === 2);
  const { inherited, unexplained, spoolReadFailures } = await bed.ledger(agent);
  t.is(inherited.pending.spans, 5);
  t.is(unexplained, 0);
  t.true(spoolReadFailures > 0);
  const body = zstdCompressSync(Buffer.alloc(5 * 64));
  const header = {
    source,
    id: '1',
    time: '2026-01-01T00:00:00Z',
    spans: 5,
    watermarkMs: 5,
    loss: '',
    bytes: body.length,
  };
  await writeFile(`${file}.new`, encodeSpoolFile(header, body));
  await rename(`${file}.new`, file);
  await eventually('delivery', () => bed.plane.storedSpans().get(`${source} 1`) === 5);
});

test('a spool file that somebody has removed is counted', async (t) => {
  const bed = await makeBed(t);
  bed.plane.answer('/functions/ingest', () => ({ status: 503, headers: { 'retry-after': '2' } }));
  const { agent, capture } = await bed.start();
  capture.finish(5);
  await capture.flush();
  await eventually('the refusal', () =>
    bed.plane.received.some(({ path }) => path === '/functions/ingest'),
  );
  for (const name of await bed.spooled()) await rm(join(bed.dir, 'spool', name));
  await eventually('the loss', async () => (await bed.ledger(agent)).sink.pending.spans === 0);
  const { sink, unexplained } = await bed.ledger(agent);
  t.deepEqual(sink.lost, { spool_missing: { batches: 1, spans: 5 } });
  t.is(unexplained, 0);
});

test('an orderly stop delivers the open batch and reports evidence a last time', async (t) => {
  const bed = await makeBed(t);
  const { agent, capture } = await bed.start();
  capture.finish(4);
  capture.setCell(100, 4);
  t.is(await agent.stop(), 0);
  t.is(sum(bed.plane.storedSpans()), 4);
  t.true(bed.plane.reports().some((report) => report.cells.some((cell) => cell.started === 4)));
});

test('open requests and losses of the capture stay in the books', async (t) => {
  const bed = await makeBed(t);
  const { agent, capture } = await bed.start();
  capture.begin(3);
  capture.finish(2);
  t.is((await bed.ledger(agent)).unexplained, 0);
  const health = await fetch(`http://127.0.0.1:${agent.port}/health/ready`);
  t.is(health.status, 200);
  t.is((await fetch(`http://127.0.0.1:${agent.port}/nothing`)).status, 404);
  const [file = ''] = await bed.spooled();
  if (file !== '') t.true((await readFile(join(bed.dir, 'spool', file))).length > 0);
});

const refuse = (): never => {
  throw new Error('no capture here');
};

test('an agent whose start fails sends nothing afterwards', async (t) => {
  const bed = await makeBed(t);
  const receiver = await startOtlpServer(t, 'http');
  const dir = join(bed.dir, 'spool', 'sinks', 'jaeger');
  await mkdir(dir, { recursive: true });
  const body = gzipSync('');
  const header = {
    source: '/nodes/node-1/00112233445566aa',
    id: '1',
    time: '2026-01-01T00:00:00Z',
    spans: 5,
    watermarkMs: 5,
    loss: '',
    bytes: body.length,
  };
  const name = '00001700000000-00112233445566aa-0000000001-5.spans';
  await writeFile(join(dir, name), encodeSpoolFile(header, body));
  const options = { sinks: { jaeger: { endpoint: receiver.url } } };
  await t.throwsAsync(bed.startWith(refuse, options), { message: 'no capture here' });
  await sleep(500);
  t.deepEqual(receiver.requests, []);
  t.true((await readdir(dir)).includes(name));

  await bed.start(options);
  await eventually('what was left', () => receiver.requests.length === 1);
});

test('after a start that fails late everything is closed', async (t) => {
  const bed = await makeBed(t);
  const captures: MemoryCapture[] = [];
  const closed: string[] = [];
  // A folder that is not empty where the socket has to be: it is found when all else is there.
  const handoverSocket = join(bed.dir, 'agent.sock');
  await mkdir(join(handoverSocket, 'full'), { recursive: true });
  const start = bed.startWith(
    (needs) => {
      const capture = createMemoryCapture(needs);
      captures.push(capture);
      return { ...capture, close: async () => void closed.push('capture') };
    },
    { handoverSocket },
  );
  await t.throwsAsync(start);
  t.is(captures.length, 1);
  t.deepEqual(closed, ['capture']);
  const polls = bed.plane.received.length;
  await sleep(1_500);
  t.is(bed.plane.received.length, polls);
});

const metricsOf = async ({ port }: { port: number }): Promise<number> =>
  (await fetch(`http://127.0.0.1:${port}/metrics`)).status;

test('while one agent follows another, one of the two gives metrics', async (t) => {
  const bed = await makeBed(t);
  const options = { handoverSocket: join(bed.dir, 'agent.sock') };
  const first = await bed.start(options);
  t.is(await metricsOf(first.agent), 200);
  const second = await bed.start(options);
  await eventually('the handover', async () => (await metricsOf(second.agent)) === 200);
  t.is(await metricsOf(first.agent), 503);
  await first.agent.stop();
  t.is(await metricsOf(second.agent), 200);
});

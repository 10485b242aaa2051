import { setTimeout as sleep } from 'node:timers/promises';
import test from 'ava';
import type { BatchRecord, SpanBlock } from '../../../functions/analytics/store.ts';
import { createBatcher, type BatcherLimits } from '../../../functions/ingest/batcher.ts';
import { CloverError } from '../../../functions/lib/errors.ts';

const limits: BatcherLimits = {
  rows: 100,
  bytes: 1_000,
  waitMs: 20,
  inFlight: 2,
  queueBytes: 2_000,
};

const block = (spans: number, bytes = 10): SpanBlock => ({ data: Buffer.alloc(bytes), spans });
const record = (id: string): BatchRecord => ({
  source: 's',
  id,
  spans: 1,
  watermarkMs: 0,
  loss: '',
});

/** Keeps what it is given in memory; every insert waits until the test lets it go. */
function createHeldStore() {
  const groups: number[][] = [];
  const ledger: string[] = [];
  const held: PromiseWithResolvers<void>[] = [];
  return {
    groups,
    ledger,
    held,
    async insertSpans(blocks: readonly SpanBlock[]): Promise<void> {
      groups.push(blocks.map(({ spans }) => spans));
      const gate = Promise.withResolvers<void>();
      held.push(gate);
      await gate.promise;
    },
    async recordBatches(records: readonly BatchRecord[]): Promise<void> {
      ledger.push(...records.map(({ id }) => id));
    },
  };
}

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await sleep(1);
}

test('a group goes as soon as it has its rows, without the wait', async (t) => {
  const store = createHeldStore();
  const batcher = createBatcher(store, { ...limits, waitMs: 60_000 });
  const done = Promise.all([
    batcher.add(block(60), record('1')),
    batcher.add(block(60), record('2')),
  ]);
  t.deepEqual(store.groups, [[60, 60]]);
  t.deepEqual(store.ledger, []);
  store.held[0]?.resolve();
  await done;
  t.deepEqual(store.ledger, ['1', '2']);
});

test('a group goes as soon as it has its bytes', async (t) => {
  const store = createHeldStore();
  const batcher = createBatcher(store, { ...limits, waitMs: 60_000 });
  const done = batcher.add(block(1, 1_000), record('1'));
  t.deepEqual(store.groups, [[1]]);
  store.held[0]?.resolve();
  await done;
});

test('a small group goes at once after a pause, and the next one waits', async (t) => {
  const store = createHeldStore();
  const batcher = createBatcher(store, { ...limits, waitMs: 60_000 });
  const first = batcher.add(block(1), record('1'));
  await until(() => store.groups.length === 1);
  store.held[0]?.resolve();
  await first;
  const second = batcher.add(block(2), record('2'));
  await sleep(2 * limits.waitMs);
  t.deepEqual(store.groups, [[1]]);
  const closing = batcher.close();
  t.deepEqual(store.groups, [[1], [2]]);
  store.held[1]?.resolve();
  await Promise.all([second, closing]);
});

test('what comes while a small group waits goes with it, and does not put it off', async (t) => {
  const store = createHeldStore();
  const batcher = createBatcher(store, limits);
  const adding = [batcher.add(block(1), record('0'))];
  await until(() => store.groups.length === 1);
  adding.push(batcher.add(block(1), record('1')), batcher.add(block(1), record('2')));
  for (let i = 3; store.groups.length === 1; i++) {
    if (i < 40) adding.push(batcher.add(block(1), record(String(i))));
    await sleep(2);
  }
  t.true((store.groups[1]?.length ?? 0) >= 2);
  await until(() => {
    for (const gate of store.held) gate.resolve();
    return store.ledger.length === adding.length;
  });
  await Promise.all(adding);
});

test('no more inserts than the limit are in flight, and the rest waits in order', async (t) => {
  const store = createHeldStore();
  const batcher = createBatcher(store, limits);
  const adding = [1, 2, 3, 4].map((i) => batcher.add(block(100 + i), record(String(i))));
  t.deepEqual(store.groups, [[101], [102]]);
  await sleep(2 * limits.waitMs);
  t.is(store.groups.length, 2);
  store.held[0]?.resolve();
  await until(() => store.groups.length === 3);
  t.deepEqual(store.groups[2], [103]);
  for (const gate of store.held) gate.resolve();
  await until(() => store.groups.length === 4);
  store.held[3]?.resolve();
  await Promise.all(adding);
});

test('a failed insert is told to its batches only, and nothing stays behind', async (t) => {
  const store = createHeldStore();
  const batcher = createBatcher(store, limits);
  const bad = batcher.add(block(100), record('bad'));
  const good = batcher.add(block(100), record('good'));
  const error = new CloverError('CLV_ANALYTICS_UNAVAILABLE', 'down');
  store.held[0]?.reject(error);
  store.held[1]?.resolve();
  t.is(await t.throwsAsync(bad), error);
  await good;
  t.deepEqual(store.ledger, ['good']);
  await batcher.close();
  t.deepEqual(batcher.counters(), { inserts: 1, failedInserts: 1, queued: 0 });
});

test('past the bound of the queue it is overloaded, until something is stored', async (t) => {
  const store = createHeldStore();
  const batcher = createBatcher(store, limits);
  const adding = batcher.add(block(100, 1_500), record('1'));
  const error = t.throws(() => batcher.admit(501), { instanceOf: CloverError });
  t.is(error?.code, 'CLV_OVERLOADED');
  t.is(error?.retryAfter, 1);
  t.notThrows(() => batcher.admit(500));
  store.held[0]?.resolve();
  await adding;
  await batcher.close();
  t.notThrows(() => batcher.admit(2_000));
});

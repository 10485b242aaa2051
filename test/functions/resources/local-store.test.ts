import { spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import type { TrafficPolicy } from '../../../knative/resources/traffic-policy.ts';
import { systemClock } from '../../../functions/lib/clock.ts';
import { createLocalStore } from '../../../functions/resources/local-store.ts';
import type {
  ApplyInput,
  ResourceEvent,
  ResourceStore,
} from '../../../functions/resources/store.ts';
import { examples } from './examples.ts';

const manager = { manager: 'test' };
const policy: ApplyInput = examples.TrafficPolicy;
const tap: ApplyInput = examples.Tap;

async function open(
  t: ExecutionContext,
  keepChanges = 100,
): Promise<{ store: ResourceStore; path: string }> {
  const folder = await mkdtemp(join(tmpdir(), 'clv-store-'));
  const path = join(folder, 'resources.db');
  const store = createLocalStore({ path, clock: systemClock, keepChanges });
  t.teardown(async () => {
    await store.close();
    await rm(folder, { recursive: true });
  });
  return { store, path };
}

async function demandPolicy(store: ResourceStore): Promise<TrafficPolicy> {
  const found = await store.get('TrafficPolicy', 'shop', 'proxy');
  if (found === undefined) throw new Error('the policy is missing');
  return found;
}

const shape = (events: readonly ResourceEvent[]): string[] =>
  events.map(({ type, object }) => `${object.metadata.resourceVersion} ${type} ${object.kind}`);

const run = (minSamples: number): ApplyInput => ({
  kind: 'ExperimentRun',
  metadata: { name: 'try-v2-1', namespace: 'shop' },
  spec: {
    experiment: { name: 'try-v2', uid: 'u', generation: 1 },
    plan: { ...examples.Experiment.spec, minSamples },
  },
});

async function take(
  events: AsyncIterable<ResourceEvent, unknown, unknown>,
  count: number,
): Promise<ResourceEvent[]> {
  const taken: ResourceEvent[] = [];
  for await (const event of events) {
    taken.push(event);
    if (taken.length === count) break;
  }
  return taken;
}

test('a created object has its metadata and defaults, and survives a reopening', async (t) => {
  const { store, path } = await open(t);
  const made = await store.applySpec(policy, manager);
  t.like(made.metadata, { name: 'proxy', namespace: 'shop', generation: 1, resourceVersion: '1' });
  t.regex(made.metadata.uid, /^[\da-f]{8}-/);
  t.deepEqual(made.status, {});
  await store.close();
  const again = createLocalStore({ path, clock: systemClock });
  const found: unknown = await again.get('TrafficPolicy', 'shop', 'proxy');
  t.deepEqual(found, made);
  t.is((await again.list('TrafficPolicy')).resourceVersion, '1');
  await again.close();
});

test('the same document again changes nothing', async (t) => {
  const { store } = await open(t);
  const first = await store.applySpec(policy, manager);
  t.deepEqual(await store.applySpec(structuredClone(policy), manager), first);
  t.is((await store.list('TrafficPolicy')).resourceVersion, '1');
});

test('only a changed spec counts up the generation', async (t) => {
  const { store } = await open(t);
  await store.applySpec(tap, manager);
  const labelled = await store.applySpec(
    { ...tap, metadata: { ...tap.metadata, labels: { a: 'b' } } },
    manager,
  );
  t.like(labelled.metadata, { generation: 1, resourceVersion: '2', labels: { a: 'b' } });
  const changed = await store.applySpec({ ...tap, spec: { ports: [81] } }, manager);
  t.like(changed.metadata, { generation: 2, resourceVersion: '3' });
  t.is(changed.metadata.labels, undefined);
  const spec: unknown = changed.spec;
  t.deepEqual(spec, { selector: { matchLabels: {} }, ports: [81] });
});

test('a dry run checks and stores nothing', async (t) => {
  const { store } = await open(t);
  const shown = await store.applySpec(tap, { ...manager, dryRun: true });
  t.is(shown.metadata.generation, 1);
  t.is(await store.get('Tap', 'shop', 'web'), undefined);
  await t.throwsAsync(
    store.applySpec({ ...tap, spec: { ports: [0] } }, { ...manager, dryRun: true }),
    {
      code: 'CLV_RESOURCE_INVALID',
    },
  );
});

test('a status is written once per resource version', async (t) => {
  const { store } = await open(t);
  await store.applySpec(policy, manager);
  const read = await demandPolicy(store);
  const written = await store.patchStatus(read, { observedGeneration: 1 });
  t.like(written, {
    metadata: { resourceVersion: '2', generation: 1 },
    status: { observedGeneration: 1 },
  });
  await t.throwsAsync(store.patchStatus(read, { observedGeneration: 9 }), {
    code: 'CLV_CONFLICT',
    message: /expected resourceVersion 1, found 2/,
  });
  t.is((await store.patchStatus(written, { observedGeneration: 1 })).metadata.resourceVersion, '2');
  await store.delete('TrafficPolicy', 'shop', 'proxy');
  await t.throwsAsync(store.patchStatus(written, {}), { code: 'CLV_NOT_FOUND' });
  await store.applySpec(policy, manager);
  await t.throwsAsync(store.patchStatus(written, {}), {
    code: 'CLV_CONFLICT',
    message: /made anew/,
  });
});

test('an object with finalizers stays until the last one is taken off', async (t) => {
  const { store } = await open(t);
  await store.applySpec({ ...policy, finalizers: ['clover.dev/overlay'] }, manager);
  const marked = await store.delete('TrafficPolicy', 'shop', 'proxy');
  t.truthy(marked.metadata.deletionTimestamp);
  t.deepEqual(await store.delete('TrafficPolicy', 'shop', 'proxy'), marked);
  await t.throwsAsync(store.applySpec(policy, manager), {
    code: 'CLV_CONFLICT',
    message: /clover.dev\/overlay/,
  });
  const current = await demandPolicy(store);
  await store.patchStatus(current, current.status, []);
  t.is(await store.get('TrafficPolicy', 'shop', 'proxy'), undefined);
  await t.throwsAsync(store.delete('TrafficPolicy', 'shop', 'proxy'), { code: 'CLV_NOT_FOUND' });
});

test('watches see every change in order, resume, and filter by kind', async (t) => {
  const { store } = await open(t);
  const { signal } = new AbortController();
  const all = take(store.watch('0', { signal }), 4);
  const taps = take(store.watch('0', { kind: 'Tap', signal }), 2);
  await store.applySpec(tap, manager);
  await store.applySpec(policy, manager);
  await store.applySpec(
    { ...policy, metadata: { ...policy.metadata, labels: { a: 'b' } } },
    manager,
  );
  await store.delete('Tap', 'shop', 'web');
  t.deepEqual(shape(await all), [
    '1 ADDED Tap',
    '2 ADDED TrafficPolicy',
    '3 MODIFIED TrafficPolicy',
    '4 DELETED Tap',
  ]);
  t.deepEqual(shape(await taps), ['1 ADDED Tap', '4 DELETED Tap']);
  t.deepEqual(shape(await take(store.watch('2', { signal }), 2)), [
    '3 MODIFIED TrafficPolicy',
    '4 DELETED Tap',
  ]);
});

test('an abort or a close ends a waiting watch', async (t) => {
  const { store } = await open(t);
  const stop = new AbortController();
  const stopped = take(store.watch('0', { signal: stop.signal }), 1);
  const closed = take(store.watch('0', { signal: new AbortController().signal }), 1);
  await systemClock.sleep(10);
  stop.abort();
  t.deepEqual(await stopped, []);
  await store.close();
  t.deepEqual(await closed, []);
});

test('a watch from a forgotten or a future version is told to list again', async (t) => {
  const { store } = await open(t, 3);
  const { signal } = new AbortController();
  const late: AsyncIterable<ResourceEvent, unknown, unknown> = store.watch('0', { signal });
  for (let port = 1; port <= 10; port++)
    await store.applySpec({ ...tap, spec: { ports: [port] } }, manager);
  t.throws(() => store.watch('6', { signal }), {
    code: 'CLV_RESOURCE_GONE',
    message: /from resourceVersion 7/,
  });
  t.throws(() => store.watch('11', { signal }), { code: 'CLV_RESOURCE_GONE' });
  t.throws(() => store.watch('now', { signal }), { code: 'CLV_ARGUMENT_INVALID' });
  await t.throwsAsync(take(late, 1), { code: 'CLV_RESOURCE_GONE' });
  t.is((await take(store.watch('7', { signal }), 3)).length, 3);
});

test('the spec of a run is immutable', async (t) => {
  const { store } = await open(t);
  const first = await store.applySpec(run(100), manager);
  t.deepEqual(await store.applySpec(run(100), manager), first);
  await t.throwsAsync(store.applySpec(run(101), manager), {
    code: 'CLV_RESOURCE_INVALID',
    message: /immutable/,
  });
});

test('a store in memory works the same', async (t) => {
  const store = createLocalStore({ path: ':memory:', clock: systemClock });
  await store.applySpec(tap, manager);
  t.is((await store.list('Tap', 'shop')).items.length, 1);
  t.is((await store.list('Tap', 'elsewhere')).items.length, 0);
  await store.close();
});

test('every answered write survives a SIGKILL of the process', async (t) => {
  const { store, path } = await open(t);
  await store.close();
  const module = new URL('../../../functions/resources/local-store.ts', import.meta.url).href;
  const script = `
    const { createLocalStore } = await import(${JSON.stringify(module)});
    const clock = { now: () => Date.now(), sleep: async () => {} };
    const store = createLocalStore({ path: process.argv[1], clock });
    const metadata = { name: 'web', namespace: 'shop' };
    for (let port = 1; ; port = (port % 65_535) + 1) {
      const made = await store.applySpec({ kind: 'Tap', metadata, spec: { ports: [port] } }, { manager: 'test' });
      process.stdout.write(made.metadata.resourceVersion + '\\n');
    }`;
  const child = spawn(process.execPath, ['--input-type=module', '-e', script, path], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let answered = '';
  const chunks: AsyncIterable<unknown, unknown, unknown> = child.stdout.setEncoding('utf8');
  for await (const chunk of chunks) {
    answered += String(chunk);
    if (answered.length > 100) child.kill('SIGKILL');
  }
  const last = Number(answered.split('\n').at(-2));
  const again = createLocalStore({ path, clock: systemClock });
  const found = await again.get('Tap', 'shop', 'web');
  t.true(last > 10 && Number(found?.metadata.resourceVersion) >= last);
  t.is(found?.metadata.resourceVersion, (await again.list('Tap')).resourceVersion);
  await again.close();
});

import { spawn } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { systemClock } from '../../../functions/lib/clock.ts';
import { createLocalStore } from '../../../functions/resources/local-store.ts';
import type { ResourceEvent, ResourceStore } from '../../../functions/resources/store.ts';
import { holdToVersions, storedFile } from '../lib/stored-file.ts';
import { storeSuite } from './store-suite.ts';
import { by, follow, policyOf, tapOf } from './store-suite/harness.ts';

async function open(
  t: ExecutionContext,
  keepChanges = 20,
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

const openFile = (path: string) => createLocalStore({ path, clock: systemClock });

storeSuite(test, 'local', async (t) => {
  const { store } = await open(t);
  return {
    store,
    namespaces: ['one', 'two'],
    forceGone: async () => {
      for (let port = 1; port <= 25; port += 1) {
        await store.applySpec(tapOf('elsewhere', 'busy', { port }), by);
      }
    },
    cutWatches: async () => undefined,
  };
});

test('objects, versions and changes survive a reopening', async (t) => {
  const { store, path } = await open(t);
  const made: unknown = await store.applySpec(policyOf('shop'), by);
  await store.close();
  const again = createLocalStore({ path, clock: systemClock });
  t.teardown(() => again.close());
  const found: unknown = await again.get('TrafficPolicy', 'shop', 'proxy');
  t.deepEqual(found, made);
  t.is((await again.list('TrafficPolicy')).resourceVersion, '1');
  const { signal } = new AbortController();
  const [event] = await follow(
    () => again.watch('TrafficPolicy', '0', { signal }),
    () => true,
  );
  t.deepEqual(event, { type: 'ADDED', object: made });
});

test('a refused write takes no version', async (t) => {
  const { store } = await open(t);
  await t.throwsAsync(store.applySpec(tapOf('shop', 'web', { port: 0 }), by));
  await store.applySpec(tapOf('shop', 'web'), { ...by, dryRun: true });
  await store.applySpec(tapOf('shop', 'web'), by);
  await store.applySpec(tapOf('shop', 'web'), by);
  t.is((await store.list('Tap')).resourceVersion, '1');
});

test('versions that are kept are said to whoever asks for another one', async (t) => {
  const { store } = await open(t, 3);
  const { signal } = new AbortController();
  const late: AsyncIterable<ResourceEvent, unknown, unknown> = store.watch('Tap', '0', { signal });
  for (let port = 1; port <= 10; port += 1) {
    await store.applySpec(tapOf('shop', 'web', { port }), by);
  }
  t.throws(() => store.watch('Tap', '6', { signal }), {
    code: 'CLV_RESOURCE_GONE',
    message: /from resourceVersion 7/,
  });
  t.throws(() => store.watch('Tap', '11', { signal }), { code: 'CLV_RESOURCE_GONE' });
  await t.throwsAsync(
    follow(
      () => late,
      () => true,
    ),
    { code: 'CLV_RESOURCE_GONE' },
  );
  let count = 0;
  await follow(
    () => store.watch('Tap', '7', { signal }),
    () => (count += 1) === 3,
  );
  t.is(count, 3);
});

test('a close ends the watches', async (t) => {
  const { store } = await open(t);
  const { signal } = new AbortController();
  const waiting = follow(
    () => store.watch('Tap', '0', { signal }),
    () => false,
  );
  await store.applySpec(tapOf('shop', 'web'), by);
  await store.close();
  t.true((await waiting).length <= 1);
});

test('a store in memory works the same', async (t) => {
  const store = createLocalStore({ path: ':memory:', clock: systemClock });
  await store.applySpec(tapOf('shop', 'web'), by);
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

test('a file of before files had versions is read, and one of a newer Clover is refused', async (t) => {
  const unversioned = new URL('fixtures/unversioned.sql', import.meta.url);
  await holdToVersions(t, unversioned, openFile);
  const store = openFile(await storedFile(t, await readFile(unversioned, 'utf8')));
  const { items, resourceVersion } = await store.list('Tap');
  t.deepEqual(
    items.map(({ metadata: { name, generation } }) => [name, generation]),
    [['kept', 1]],
  );
  t.is(resourceVersion, '3');
  await store.close();
});

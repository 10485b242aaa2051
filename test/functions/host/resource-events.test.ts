import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import test, { type ExecutionContext } from 'ava';
import { createBroker, type Broker } from '../../../functions/host/broker/broker.ts';
import { startResourceEvents } from '../../../functions/host/resource-events.ts';
import { serve, type Serving } from '../../../functions/host/serve.ts';
import { systemClock } from '../../../functions/lib/clock.ts';
import type { CloudEvent } from '../../../functions/lib/cloud-event.ts';
import { createLocalStore } from '../../../functions/resources/local-store.ts';
import type { ResourceStore } from '../../../functions/resources/store.ts';
import { eventTypes, resourceReference } from '../../../knative/events.ts';
import { entryOf, handlersOf, silent, temporaryFolder, triggerOf, until } from './helpers.ts';

const announcing = fileURLToPath(new URL('fixtures/announcing-process.ts', import.meta.url));
const resourceTypes = {
  added: eventTypes.resourceAdded,
  updated: eventTypes.resourceUpdated,
  deleted: eventTypes.resourceDeleted,
};

const entries = [
  entryOf('f', {
    triggers: Object.entries(resourceTypes).map(([name, type]) => triggerOf(name, type)),
  }),
];

interface Pumped {
  readonly seen: CloudEvent[];
  readonly stop: () => Promise<void>;
}

const pump = async (t: ExecutionContext, path: string, store: ResourceStore): Promise<Pumped> => {
  const broker: Broker = await createBroker({
    path,
    entries,
    log: silent,
    onFatal: (error) => t.fail(String(error)),
  });
  const seen: CloudEvent[] = [];
  await broker.start(async ({ event }) => {
    seen.push(event);
    return { status: 200, message: '' };
  });
  const events = startResourceEvents({ store, broker, clock: systemClock, log: silent });
  return {
    seen,
    stop: async () => {
      await events.stop();
      await broker.drain();
      await broker.close();
    },
  };
};

const applyTap = async (store: ResourceStore, name: string, port: number): Promise<void> => {
  const metadata = { name, namespace: 'default' };
  await store.applySpec({ kind: 'Tap', metadata, spec: { ports: [port] } }, { manager: 'test' });
};

const changes = (events: readonly CloudEvent[]): string[] =>
  events.map(({ type, extensions }) => `${type.split('.').at(-1)} ${extensions['name']}`).sort();

test('every change of the store is one event that names the object', async (t) => {
  const folder = await temporaryFolder(t);
  const store = createLocalStore({ path: join(folder, 'resources.db'), clock: systemClock });
  t.teardown(() => store.close());
  await applyTap(store, 'before', 80);
  const { seen, stop } = await pump(t, join(folder, 'broker.db'), store);
  await until(() => seen.length === 1);
  await applyTap(store, 'one', 80);
  await applyTap(store, 'one', 81);
  await store.delete('Tap', 'default', 'one');
  await until(() => seen.length === 4);
  await stop();
  t.deepEqual(changes(seen), ['add before', 'add one', 'delete one', 'update one']);
  const event = seen.find(
    ({ type, extensions }) => type === eventTypes.resourceAdded && extensions['name'] === 'one',
  );
  const reference = resourceReference.parse(JSON.parse(event?.data.toString() ?? ''));
  t.is(event?.id, `${reference.uid}-${reference.resourceVersion}-add`);
  t.is(event?.subject, '/apis/clover.dev/v1alpha1/namespaces/default/taps/one');
  t.deepEqual(event?.extensions, { kind: 'Tap', name: 'one', namespace: 'default' });
});

test('changes during a stop are events after it, and none comes again', async (t) => {
  const folder = await temporaryFolder(t);
  const store = createLocalStore({ path: join(folder, 'resources.db'), clock: systemClock });
  t.teardown(() => store.close());
  const first = await pump(t, join(folder, 'broker.db'), store);
  await applyTap(store, 'one', 80);
  await until(() => first.seen.length === 1);
  await first.stop();
  await applyTap(store, 'two', 80);
  await store.delete('Tap', 'default', 'one');
  const second = await pump(t, join(folder, 'broker.db'), store);
  await until(() => second.seen.length === 2);
  await second.stop();
  t.deepEqual(changes(second.seen), ['add two', 'delete one']);
});

test('after a gap consumers hear of every difference, deletions too, and of nothing else', async (t) => {
  const folder = await temporaryFolder(t);
  const store = createLocalStore({
    path: join(folder, 'resources.db'),
    clock: systemClock,
    keepChanges: 1,
  });
  t.teardown(() => store.close());
  const seen: CloudEvent[] = [];
  const start = async (): Promise<Serving> =>
    serve({
      functions: [
        {
          name: 'f',
          handlers: handlersOf(Object.values(resourceTypes), async (event) => {
            seen.push(event);
          }),
        },
      ],
      catalogue: entries,
      brokerPath: join(folder, 'broker.db'),
      resources: store,
      token: 'a-token-for-the-tests',
      listen: { host: '127.0.0.1', port: 0 },
      clock: systemClock,
      log: silent,
      onFatal: (error) => t.fail(String(error)),
      drainGraceMs: 1,
    });
  const first = await start();
  for (const name of ['anew', 'changed', 'gone', 'same']) await applyTap(store, name, 80);
  await until(() => seen.length === 4);
  await first.drain();
  const before = await Promise.all(
    ['anew', 'gone'].map(async (name) => store.get('Tap', 'default', name)),
  );

  await store.delete('Tap', 'default', 'gone');
  await store.delete('Tap', 'default', 'anew');
  for (const name of ['anew', 'passing', 'new']) await applyTap(store, name, 80);
  await store.delete('Tap', 'default', 'passing');
  for (const port of [81, 82]) await applyTap(store, 'changed', port);
  const told = seen.splice(0);
  const second = await start();
  await until(() => seen.length >= 5);
  // Whatever else is announced comes before this.
  await applyTap(store, 'last', 80);
  await until(() => seen.some(({ extensions }) => extensions['name'] === 'last'));
  await second.drain();
  t.deepEqual(changes(seen), [
    'add anew',
    'add last',
    'add new',
    'delete anew',
    'delete gone',
    'update changed',
  ]);
  const deleted = seen.filter(({ type }) => type === eventTypes.resourceDeleted);
  t.deepEqual(
    deleted.map(({ id }) => id).sort(),
    before.map((tap) => `${tap?.metadata.uid}-${tap?.metadata.resourceVersion}-delete`).sort(),
  );
  t.is(new Set([...told, ...seen].map(({ id }) => id)).size, told.length + seen.length);
});

test('a process that is killed between any two announcements leaves none out, and repeats none', async (t) => {
  const folder = await temporaryFolder(t);
  const store = createLocalStore({
    path: join(folder, 'resources.db'),
    clock: systemClock,
    keepChanges: 1,
  });
  t.teardown(() => store.close());
  const run = async (...death: string[]): Promise<unknown> => {
    const child = spawn(process.execPath, [announcing, folder, ...death], { stdio: 'inherit' });
    await once(child, 'close');
    return child.signalCode ?? child.exitCode;
  };
  const linesOf = async (file: string): Promise<string[]> =>
    (await readFile(join(folder, file), 'utf8')).trim().split('\n');
  for (const name of ['anew', 'changed', 'gone']) await applyTap(store, name, 80);
  t.is(await run(), 0);
  t.is((await linesOf('published')).length, 3);

  for (const name of ['anew', 'gone']) await store.delete('Tap', 'default', name);
  for (const name of ['anew', 'new']) await applyTap(store, name, 80);
  await applyTap(store, 'changed', 81);
  for (let count = 1; count <= 5; count += 1) {
    t.is(await run('before'), 'SIGKILL');
    t.is(await run('after'), 'SIGKILL');
    t.is((await linesOf('published')).length, 3 + count);
  }
  t.is(await run(), 0);
  const published = await linesOf('published');
  t.is(published.length, 8);
  t.is(new Set(published).size, 8);
  t.deepEqual(published.map((id) => id.replace(/^.*-/, '')).sort(), [
    'add',
    'add',
    'add',
    'add',
    'add',
    'delete',
    'delete',
    'update',
  ]);
  // What was with its function when the process died comes again, under its id.
  t.deepEqual([...new Set(await linesOf('told'))].sort(), published.toSorted());
});

import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { createBroker, type Broker } from '../../../functions/host/broker/broker.ts';
import { startResourceEvents } from '../../../functions/host/resource-events.ts';
import { systemClock } from '../../../functions/lib/clock.ts';
import type { CloudEvent } from '../../../functions/lib/cloud-event.ts';
import { createLocalStore } from '../../../functions/resources/local-store.ts';
import type { ResourceStore } from '../../../functions/resources/store.ts';
import { eventTypes, resourceReference } from '../../../knative/events.ts';
import { entryOf, silent, temporaryFolder, triggerOf, until } from './helpers.ts';

const entries = [
  entryOf('f', {
    triggers: [
      triggerOf('added', eventTypes.resourceAdded),
      triggerOf('updated', eventTypes.resourceUpdated),
      triggerOf('deleted', eventTypes.resourceDeleted),
    ],
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
  t.deepEqual(changes(seen), ['add one', 'delete one', 'update before', 'update one']);
  const event = seen.find(({ type }) => type === eventTypes.resourceAdded);
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

test('when the store has forgotten the version, every object is announced', async (t) => {
  const folder = await temporaryFolder(t);
  const store = createLocalStore({
    path: join(folder, 'resources.db'),
    clock: systemClock,
    keepChanges: 1,
  });
  t.teardown(() => store.close());
  const first = await pump(t, join(folder, 'broker.db'), store);
  await applyTap(store, 'one', 80);
  await until(() => first.seen.length === 1);
  await first.stop();
  for (const port of [81, 82, 83]) await applyTap(store, 'one', port);
  await applyTap(store, 'two', 80);
  const second = await pump(t, join(folder, 'broker.db'), store);
  await until(() => second.seen.length === 2);
  await second.stop();
  t.deepEqual(changes(second.seen), ['update one', 'update two']);
});

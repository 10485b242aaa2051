import { join } from 'node:path';
import type { ExecutionContext } from 'ava';
import { createBroker } from '../../functions/host/broker/broker.ts';
import { startResourceEvents } from '../../functions/host/resource-events.ts';
import { systemClock } from '../../functions/lib/clock.ts';
import { createKubernetesStore } from '../../functions/resources/kubernetes/kubernetes-store.ts';
import type { ResourceStore } from '../../functions/resources/store.ts';
import { resourceChanges, resourceReference } from '../../knative/events.ts';
import { apiOfFile, makeNamespace } from '../cluster/api-of-file.ts';
import { forgetPast } from '../cluster/forget-past.ts';
import { entryOf, silent, temporaryFolder, triggerOf } from '../functions/host/helpers.ts';
import { applyExperiment, applyPolicy, openStand, until } from './stand.ts';

const apiTest = await apiOfFile();

const types = Object.values(resourceChanges).map(({ type }) => type);
const entries = [
  entryOf('f', { triggers: types.map((type, index) => triggerOf(`t${index}`, type)) }),
];

interface Pumped {
  /** `<verb> <name>` of every event, in the order of its delivery. */
  readonly seen: string[];
  readonly ids: Set<string>;
  stop(): Promise<void>;
}

/** The events of resources from a store, as a process that may be ended and started again on its files. */
async function pump(t: ExecutionContext, path: string, store: ResourceStore): Promise<Pumped> {
  const log = silent;
  const broker = await createBroker({ path, entries, log, onFatal: (e) => t.fail(String(e)) });
  const seen: string[] = [];
  const ids = new Set<string>();
  await broker.start(async ({ event }) => {
    const { name } = resourceReference.parse(JSON.parse(event.data.toString()));
    seen.push(`${event.type.split('.').at(-1) ?? ''} ${name}`);
    ids.add(event.id);
    return { status: 200, message: '' };
  });
  const events = startResourceEvents({ store, broker, clock: systemClock, log });
  return {
    seen,
    ids,
    stop: async () => {
      await events.stop();
      await broker.drain();
      await broker.close();
    },
  };
}

apiTest(
  'changes that etcd has forgotten are told once when a watch comes back, deletions too',
  async (t, { tier, client }) => {
    t.timeout(120_000);
    await makeNamespace(client, 'forgotten');
    const store = createKubernetesStore(client);
    const path = join(await temporaryFolder(t), 'broker.db');
    const tap = async (name: string, port: number): Promise<unknown> => {
      const metadata = { name, namespace: 'forgotten' };
      return store.applySpec(
        { kind: 'Tap', metadata, spec: { ports: [port] } },
        { manager: 'test' },
      );
    };
    for (const name of ['a', 'b', 'c']) await tap(name, 80);
    const first = await pump(t, path, store);
    await until(async () => first.seen.length === 3);
    await first.stop();
    t.deepEqual(first.seen.toSorted(), ['add a', 'add b', 'add c']);

    // Nobody watches: what happens now is forgotten before anybody does.
    await tap('a', 81);
    await store.delete('Tap', 'forgotten', 'b');
    await tap('d', 80);
    await forgetPast(tier);
    const second = await pump(t, path, store);
    await until(async () => second.seen.length >= 3);
    t.deepEqual(second.seen.toSorted(), ['add d', 'delete b', 'update a']);

    // A watch that stands while the past is forgotten.
    const before = second.seen.length;
    await forgetPast(tier);
    await tap('e', 80);
    await until(async () => second.seen.includes('add e'));
    await store.delete('Tap', 'forgotten', 'c');
    await until(async () => second.seen.includes('delete c'));
    t.deepEqual(second.seen.slice(before), ['add e', 'delete c']);
    t.is(second.ids.size, second.seen.length);
    await second.stop();
    await store.close();
  },
);

apiTest(
  'events that never arrive are made good by the resync, and finalizers keep what has to be undone',
  async (t, { client }) => {
    t.timeout(120_000);
    await makeNamespace(client, 'silent');
    const stand = await openStand(t, { client, namespace: 'silent' });
    const { resources } = stand;
    await applyPolicy(stand, 'silent.example');
    await stand.tick();
    t.is(stand.weight(), undefined);
    // Nobody is told of the experiment.
    await applyExperiment(stand);
    await stand.tick();
    t.is(stand.weight(), 20);
    // Nor of its deletion: it stays until its weights are taken back.
    await resources.delete('Experiment', 'silent', 'exp');
    const held = await stand.experiment();
    t.truthy(held?.metadata.deletionTimestamp);
    t.deepEqual(held?.metadata.finalizers, ['clover.dev/overlay']);
    await until(async () => {
      await stand.report();
      await stand.tick();
      return (await stand.experiment()) === undefined;
    });
    t.is(stand.weight(), undefined);
    t.is(await stand.run(), undefined);
    // Nor of that of the policy.
    await resources.delete('TrafficPolicy', 'silent', 'proxy');
    await stand.tick();
    t.false(JSON.stringify(stand.gateway.applied.at(-1)?.resources).includes('silent.example'));
  },
);

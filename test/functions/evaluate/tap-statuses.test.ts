import test from 'ava';
import { eventTypes, type TapReport } from '../../../knative/events.ts';
import type { Tap, TapStatus } from '../../../knative/resources/tap.ts';
import { CloverError } from '../../../functions/lib/errors.ts';
import type { Stores } from './helpers/killer.ts';
import { World } from './helpers/world.ts';

const resync = 'evaluate-resync';

async function applyTap(world: World, spec: object = {}): Promise<void> {
  const metadata = { name: 'web', namespace: 'default' };
  await world.stores.resources.applySpec({ kind: 'Tap', metadata, spec }, { manager: 'test' });
  await world.tell('Tap', 'web');
}

async function tapOf(world: World): Promise<Tap> {
  const tap = await world.stores.resources.get('Tap', 'default', 'web');
  if (tap === undefined) throw new Error('there is no Tap');
  return tap;
}

/** What a user sees: pods, and the condition's status, reason and message. */
async function shown(world: World): Promise<readonly unknown[]> {
  const { status, metadata }: { status: TapStatus; metadata: Tap['metadata'] } = await tapOf(world);
  const [traced] = status.conditions ?? [];
  if (traced === undefined) return [];
  const isCurrent = status.observedGeneration === metadata.generation;
  return [status.pods, traced.status, traced.reason, ...(isCurrent ? [] : ['of before'])];
}

const sequences = new WeakMap<World, number>();

/** What the agent of a node says of Taps. */
async function report(
  world: World,
  node: string,
  ...said: readonly [name: string, selected: number, traced: number][]
): Promise<void> {
  const sequence = (sequences.get(world) ?? 0) + 1;
  sequences.set(world, sequence);
  const taps = said.map(([name, selected, traced]): TapReport => ({
    namespace: 'default',
    name,
    selected,
    traced,
  }));
  await world.send(eventTypes.evidence, `/nodes/${node}/b`, {
    sequence,
    watermarkMs: world.now,
    openTimeoutMs: 10_000,
    taps,
    cells: [],
  });
}

test('a Tap that selects nothing says so, at once, and after each change of it', async (t) => {
  const world = await World.create(t);
  await applyTap(world);
  t.deepEqual(await shown(world), [0, 'False', 'NoPods']);
  await applyTap(world, { ports: [80] });
  t.deepEqual(await shown(world), [0, 'False', 'NoPods']);
  t.is((await tapOf(world)).status.observedGeneration, 2);
  await world.tell('Tap', 'elsewhere');
});

test('agents say which pods a Tap selects and which of them are traced, over all nodes', async (t) => {
  const world = await World.create(t);
  await applyTap(world);
  await report(world, 'a', ['web', 2, 0], ['other', 1, 1]);
  t.deepEqual(await shown(world), [2, 'False', 'NotTraced']);
  await report(world, 'a', ['web', 2, 2]);
  t.deepEqual(await shown(world), [2, 'True', 'Traced']);
  await report(world, 'b', ['web', 3, 1]);
  t.deepEqual(await shown(world), [5, 'True', 'PartlyTraced']);
  const [{ message } = { message: '' }] = (await tapOf(world)).status.conditions ?? [];
  t.regex(message, /^3 of 5 pods on 2 nodes; "cloverctl doctor" tells why/);
  await report(world, 'b', ['web', 3, 3]);
  t.is((await tapOf(world)).status.conditions?.[0]?.message, '5 pods on 2 nodes');
  await report(world, 'a');
  await report(world, 'b');
  t.deepEqual(await shown(world), [0, 'False', 'NoPods']);
});

test('what is said again is neither asked for nor written', async (t) => {
  const calls: string[] = [];
  const wrap = (stores: Stores): Stores => ({
    ...stores,
    resources: {
      ...stores.resources,
      get: (kind, ...key) => {
        if (kind === 'Tap') calls.push('get');
        return stores.resources.get(kind, ...key);
      },
      list: (kind, ...options) => {
        if (kind === 'Tap') calls.push('list');
        return stores.resources.list(kind, ...options);
      },
    },
  });
  const world = await World.create(t, { wrap });
  await applyTap(world);
  await report(world, 'a', ['web', 2, 2]);
  const { resourceVersion } = (await tapOf(world)).metadata;
  calls.length = 0;
  for (let second = 0; second < 20; second += 1) {
    world.now += 1_000;
    await report(world, 'a', ['web', 2, 2]);
    await world.tick();
  }
  t.deepEqual(calls, []);
  await world.restart();
  await report(world, 'a', ['web', 2, 2]);
  await world.tell('Tap', 'web');
  await world.tick(resync);
  t.is((await tapOf(world)).metadata.resourceVersion, resourceVersion);
});

test('an agent that is gone says nothing of a Tap any more', async (t) => {
  const world = await World.create(t);
  await applyTap(world);
  await report(world, 'a', ['web', 2, 2]);
  await report(world, 'b', ['web', 1, 1]);
  t.true(await world.evaluate.isActive?.(resync));
  world.now += 300_000;
  await report(world, 'b', ['web', 1, 1]);
  world.now += 61_000;
  await world.tick();
  t.deepEqual(await shown(world), [3, 'True', 'Traced'], 'that is looked for now and then');
  await world.tick(resync);
  t.deepEqual(await shown(world), [1, 'True', 'Traced']);
});

test('while evidence cannot be had, what is known of a Tap stays, and nothing fails', async (t) => {
  let isGone = false;
  const wrap = (stores: Stores): Stores => ({
    ...stores,
    evidence: {
      ...stores.evidence,
      sources: (since) =>
        isGone
          ? Promise.reject(new CloverError('CLV_ANALYTICS_UNAVAILABLE', 'it is down'))
          : stores.evidence.sources(since),
    },
  });
  const world = await World.create(t, { wrap });
  await applyTap(world);
  await report(world, 'a', ['web', 2, 2]);
  isGone = true;
  await applyTap(world, { ports: [80] });
  await world.tick(resync);
  t.deepEqual(await shown(world), [2, 'True', 'Traced', 'of before']);
  isGone = false;
  await world.tick(resync);
  t.deepEqual(await shown(world), [2, 'True', 'Traced']);
});

test('without a Tap and an Experiment nothing is looked for', async (t) => {
  const world = await World.create(t);
  t.false(await world.evaluate.isActive?.(resync));
});

import test, { type ExecutionContext } from 'ava';
import { sha256 } from '../../../functions/lib/canonical-json.ts';
import { createKiller } from './helpers/killer.ts';
import { healthy, World, type Answer } from './helpers/world.ts';
import { handle, handlersOf } from '../host/helpers.ts';

const plan = {
  warmUp: '1s',
  minSamples: 50,
  metrics: [{ type: 'latency', margin: 0.5 }],
  watchAfter: { duration: '2s' },
};

const delayed: Answer = (draw) => {
  const { latency = 0 } = healthy(draw);
  return { latency: latency + (draw.fault ? 0.2 : 0) };
};

const drill = { fault: { delay: { duration: '200ms', percent: 100 } }, expect: 'FAIL' };

interface Ending {
  readonly phase: string | undefined;
  readonly verdict: string | undefined;
  readonly weights: readonly number[] | undefined;
}

async function play(world: World, spec: Readonly<Record<string, unknown>>): Promise<Ending> {
  await world.applyPolicy();
  await world.applyExperiment({ ...plan, ...spec });
  const { status } = await world.untilComplete(40);
  return {
    phase: status.phase,
    verdict: status.verdict,
    weights: status.intents?.map(({ variantWeight }) => variantWeight),
  };
}

async function assertChain(t: ExecutionContext, world: World): Promise<void> {
  const run = await world.run();
  const looks = await world.stores.evidence.looks(run.metadata.name);
  let previous = '0'.repeat(64);
  for (const [index, look] of looks.entries()) {
    t.is(look.number, index + 1);
    t.is(look.hash, sha256(previous + look.body));
    previous = look.hash;
  }
  t.is(run.status.look?.hash, previous);
}

const passing: Ending = { phase: 'Succeeded', verdict: 'PASS', weights: [50, 100] };
const caught: Ending = { phase: 'RolledBack', verdict: 'FAIL', weights: [50, 50, 0] };

test('killed at any single call to a store, an experiment ends the same', async (t) => {
  const probe = createKiller(() => undefined);
  const reference = await World.create(t, { perSecond: 100, wrap: probe.wrap });
  t.deepEqual(await play(reference, {}), passing);
  t.true(probe.calls > 100);
  // Every call would take a minute; neighbouring seconds repeat each other, so a stride finds all kinds.
  for (let victim = 1; victim <= probe.calls; victim += 4) {
    for (const how of ['before', 'after'] as const) {
      const killer = createKiller((call) => (call === victim ? how : undefined));
      const world = await World.create(t, { perSecond: 100, wrap: killer.wrap });
      t.deepEqual(await play(world, {}), passing, `killed ${how} call ${victim}`);
      t.is(killer.kills, 1);
      await assertChain(t, world);
    }
  }
});

test('killed again and again, an experiment and a drill end the same', async (t) => {
  for (const period of [23, 29, 31, 37, 43]) {
    for (const [spec, variant, expected] of [
      [{}, healthy, passing],
      [{ drill }, delayed, caught],
    ] as const) {
      const killer = createKiller((call) =>
        call % period === 0 ? (call % 2 === 0 ? 'before' : 'after') : undefined,
      );
      const world = await World.create(t, { perSecond: 100, wrap: killer.wrap, variant });
      t.deepEqual(await play(world, spec), expected, `every ${period} calls`);
      t.true(killer.kills >= 1);
      await assertChain(t, world);
    }
  }
});

test('a restart on the same files in the middle of a run changes nothing', async (t) => {
  const world = await World.create(t, { perSecond: 100 });
  await world.applyPolicy();
  await world.applyExperiment(plan);
  for (let passed = 0; passed < 3; passed += 1) await world.second();
  await world.restart();
  const { status } = await world.untilComplete(40);
  t.is(status.phase, 'Succeeded');
  await assertChain(t, world);
});

test('events handled at the same time by two instances end the same', async (t) => {
  const world = await World.create(t, { perSecond: 100 });
  await world.applyPolicy();
  await world.applyExperiment(plan);
  const twin = world.boot();
  const first = world.evaluate;
  const types = first.handlers?.map(({ type }) => type) ?? [];
  world.evaluate = {
    name: 'evaluate',
    handlers: handlersOf(types, async (event, invocation) => {
      await Promise.all([first, twin, first].map((fn) => handle(fn, event, invocation)));
    }),
  };
  const { status } = await world.untilComplete(40);
  t.is(status.phase, 'Succeeded');
  t.deepEqual(
    status.intents?.map(({ epoch }) => epoch),
    [1, 2],
  );
  await assertChain(t, world);
});

import test from 'ava';
import fc from 'fast-check';
import type { ExperimentRunStatus } from '../../../knative/resources/experiment-run.ts';
import type { Condition } from '../../../knative/resources/meta.ts';
import { withConditions } from '../../../functions/lib/conditions.ts';
import { isFinal } from '../../../functions/lib/final-phase.ts';
import { toUnixMs } from '../../../functions/lib/rfc3339.ts';
import { elapsed } from './helpers/elapsed.ts';
import { createOutage, unavailable, withAppendLook } from './helpers/outage.ts';
import { World } from './helpers/world.ts';

/** As it is documented: a minute, and the open limit of agents where they name none. */
const limitMs = 90_000;

const drill = { fault: { delay: { duration: '200ms', percent: 100 } }, expect: 'FAIL' };

const slowly = { warmUp: '1s', minSamples: 1_000_000, deadline: '30m' };
const quickly = { warmUp: '1s', minSamples: 50, metrics: [{ type: 'latency', margin: 0.5 }] };

const isAvailable = (conditions: readonly Condition[] = []): Condition | undefined =>
  conditions.find(({ type }) => type === 'EvidenceAvailable');

/** A second, whose report the store may refuse. */
const second = async (world: World): Promise<void> => {
  const refused = await world.second().then(
    () => false,
    () => true,
  );
  if (refused) await world.tick();
};

const pass = async (world: World, seconds: number): Promise<void> => {
  for (let passed = 0; passed < seconds; passed += 1) await second(world);
};

/** The gateway has taken what it was given last. */
async function program({ stores: { resources }, now }: World): Promise<void> {
  const policy = await resources.get('TrafficPolicy', 'default', 'proxy');
  if (policy === undefined) throw new Error('no policy');
  const claim = { type: 'Programmed', status: 'True', reason: 'Programmed', message: '' } as const;
  const { status, metadata } = policy;
  const conditions = withConditions(status.conditions, [claim], metadata.generation, now);
  await resources.patchStatus<'TrafficPolicy'>(policy, { ...status, conditions });
}

test('a fault does not stay in the traffic when nobody can judge: the run is INVALID after 90 s, and ends', async (t) => {
  const outage = createOutage();
  const world = await World.create(t, { wrap: outage.wrap });
  await world.applyPolicy();
  await world.applyExperiment({ ...slowly, drill });
  await pass(world, 5);
  t.deepEqual((await world.run()).status.intent?.fault, drill.fault);
  outage.failure = unavailable;
  await second(world);
  const since = world.now;
  await pass(world, limitMs / 1_000 - 1);
  const during = await world.experiment();
  t.like((await world.run()).status, { phase: 'Running', verdict: undefined });
  t.like(isAvailable(during.status.conditions), {
    status: 'False',
    reason: 'EvidenceUnavailable',
    message: unavailable.message,
    observedGeneration: 1,
    lastTransitionTime: new Date(since).toISOString(),
  });
  t.like(
    during.status.conditions?.find(({ type }) => type === 'Progressing'),
    { status: 'False', reason: 'EvidenceUnavailable' },
  );
  await pass(world, 2);
  const { status } = await world.run();
  t.like(status, { phase: 'RollingBack', verdict: 'INVALID' });
  t.is(status.reason, `no-evidence: ${unavailable.message}`);
  t.is(status.intent?.variantWeight, 0);
  t.is(status.intent?.fault, undefined);
  t.true(toUnixMs(status.verdictAt ?? '') - since <= limitMs + 1_000);

  await program(world);
  await pass(world, 6);
  t.is((await world.run()).status.phase, 'Failed', 'the drill was not caught');
  t.is(isAvailable((await world.experiment()).status.conditions)?.status, 'Unknown');
});

test('a store that is read and takes no look lets no weight grow, and the run is INVALID after 90 s', async (t) => {
  const outage = createOutage();
  const world = await World.create(t, {
    wrap: withAppendLook(async (look, store) => {
      if (outage.failure !== undefined) throw outage.failure;
      return store.appendLook(look);
    }),
  });
  await world.applyPolicy();
  const plan = [{ weight: 10, hold: '10s' }, { weight: 20, hold: '10s' }, { weight: 50 }];
  await world.applyExperiment({ ...slowly, plan });
  await pass(world, 5);
  outage.failure = unavailable;
  const since = world.now;
  await pass(world, limitMs / 1_000 - 2);
  const { status } = await world.run();
  t.like(status, { phase: 'Running', verdict: undefined });
  t.is(status.intent?.variantWeight, 10);
  t.is(isAvailable(status.conditions)?.status, 'False');
  await pass(world, 5);
  const ended = (await world.run()).status;
  t.is(ended.verdict, 'INVALID');
  t.is(ended.intent?.variantWeight, 0);
  t.true(toUnixMs(ended.verdictAt ?? '') - since <= limitMs + 3_000);
});

test('a deadline comes without evidence', async (t) => {
  const outage = createOutage();
  const world = await World.create(t, { wrap: outage.wrap });
  await world.applyPolicy();
  await world.applyExperiment({ ...slowly, deadline: '1m' });
  await pass(world, 5);
  outage.failure = unavailable;
  await pass(world, 56);
  const { status } = await world.run();
  t.like(status, { phase: 'RollingBack', verdict: 'INCONCLUSIVE' });
  t.is(status.reason, `deadline 1m: ${unavailable.message}`);
  t.is(elapsed(status.startedAt, status.verdictAt), 60_000);
});

test('the watch ends without evidence as it does without agents', async (t) => {
  const outage = createOutage();
  const world = await World.create(t, { wrap: outage.wrap });
  await world.applyPolicy();
  await world.applyExperiment({ ...quickly, watchAfter: { duration: '10s' }, deadline: '2m' });
  while ((await world.run()).status.phase !== 'Verifying') await second(world);
  outage.failure = unavailable;
  const verdictAt = toUnixMs((await world.run()).status.verdictAt ?? '');
  while (world.now < verdictAt + 129_000) await second(world);
  t.is((await world.run()).status.phase, 'Verifying');
  await second(world);
  t.like((await world.run()).status, { phase: 'RollingBack', verdict: 'INCONCLUSIVE' });
});

test('an Experiment that its user deletes goes without evidence, and so do its runs', async (t) => {
  const outage = createOutage();
  const world = await World.create(t, { wrap: outage.wrap });
  const { resources } = world.stores;
  await world.applyPolicy();
  await world.applyExperiment({ ...slowly, drill });
  await pass(world, 5);
  outage.failure = unavailable;
  await resources.delete('Experiment', 'default', 'exp');
  await world.tell('Experiment', 'exp');
  const { status } = await world.run();
  t.like(status, { phase: 'RollingBack', verdict: 'INCONCLUSIVE' });
  t.is(status.intent?.variantWeight, 0);
  await program(world);
  await pass(world, 7);
  t.is(await resources.get('Experiment', 'default', 'exp'), undefined);
  t.deepEqual((await resources.list('ExperimentRun', 'default')).items, []);
});

test('where the evidence never answered a run does not begin, says why, and can be deleted', async (t) => {
  const outage = createOutage();
  const world = await World.create(t, { wrap: outage.wrap });
  const { resources } = world.stores;
  outage.failure = unavailable;
  await world.applyPolicy();
  await world.applyExperiment();
  await pass(world, 200);
  const { status } = await world.experiment();
  t.is(status.phase, 'Pending');
  t.is(isAvailable(status.conditions)?.message, unavailable.message);
  t.is((await world.run()).status.intent, undefined);
  await resources.delete('Experiment', 'default', 'exp');
  await world.tell('Experiment', 'exp');
  t.is(await resources.get('Experiment', 'default', 'exp'), undefined);
  t.deepEqual((await resources.list('ExperimentRun', 'default')).items, []);
});

test('a run that waited begins when the evidence answers, and its condition says so', async (t) => {
  const outage = createOutage();
  const world = await World.create(t, { wrap: outage.wrap });
  outage.failure = unavailable;
  await world.applyPolicy();
  await world.applyExperiment(quickly);
  await pass(world, 200);
  outage.failure = undefined;
  const { status } = await world.untilComplete(40);
  t.is(status.phase, 'Succeeded');
  t.like(isAvailable((await world.experiment()).status.conditions), {
    status: 'True',
    reason: 'Answers',
  });
});

test('a failure that nobody foresaw ends a run too, and is for the log', async (t) => {
  const outage = createOutage();
  const world = await World.create(t, { wrap: outage.wrap });
  await world.applyPolicy();
  await world.applyExperiment({ ...slowly, deadline: '20s' });
  await pass(world, 5);
  outage.failure = new Error('the disk is full');
  for (let passed = 0; passed < 20; passed += 1) {
    world.now += 1_000;
    await t.throwsAsync(world.tick(), { message: 'the disk is full' });
  }
  const { status } = await world.run();
  t.is(status.phase, 'RollingBack');
  t.is(isAvailable(status.conditions)?.reason, 'JudgingFailed');
});

test('of a PASS and of an end without evidence at the same time, the status that is written first holds', async (t) => {
  const outage = createOutage();
  let meanwhile: (() => Promise<void>) | undefined;
  const world = await World.create(t, {
    wrap: withAppendLook(async (look, store) => {
      const won = await store.appendLook(look);
      if (look.body.includes('"outcome":"PASS"')) await meanwhile?.();
      return won;
    }),
  });
  await world.applyPolicy();
  await world.applyExperiment(quickly);
  const name = (await world.run()).metadata.name;
  const seeing = world.evaluate;
  meanwhile = async () => {
    meanwhile = undefined;
    // Another process, which is cut off from the evidence, hears of the deletion between the look and the status.
    await world.stores.resources.delete('Experiment', 'default', 'exp');
    outage.failure = unavailable;
    world.evaluate = world.boot(outage.wrap);
    await world.tell('Experiment', 'exp');
    world.evaluate = seeing;
  };
  for (let passed = 0; passed < 20; passed += 1) {
    if ((await world.run()).status.phase === 'RollingBack') break;
    await second(world);
  }
  const { status } = await world.run();
  t.like(status, { phase: 'RollingBack', verdict: 'INCONCLUSIVE' });
  t.deepEqual(
    status.intents?.map(({ variantWeight }) => variantWeight),
    [50, 0],
  );
  const last = await world.stores.evidence.lastLook(name);
  t.true(last?.body.includes('"outcome":"PASS"'));
  t.is(status.look?.hash, last?.hash, 'the look is on record, and has no effect');
});

/** How much of the traffic a status gives away, faults included. */
const exposure = ({ intent }: ExperimentRunStatus): number =>
  (intent?.variantWeight ?? 0) + (intent?.fault === undefined ? 0 : 1_000);

test('whenever the evidence goes and comes back, nothing grows meanwhile, and every run ends', async (t) => {
  t.timeout(300_000);
  const plans = [
    quickly,
    { ...quickly, plan: [{ weight: 10, hold: '5s' }, { weight: 50 }] },
    { ...slowly, deadline: '50s' },
    { ...slowly, deadline: '2m', drill },
  ];
  const begins = fc.integer({ min: 0, max: 25 });
  const lasting = fc.oneof(fc.integer({ min: 1, max: 8 }), fc.integer({ min: 80, max: 110 }));
  await fc.assert(
    fc.asyncProperty(fc.constantFrom(...plans), begins, lasting, async (spec, from, lasts) => {
      const outage = createOutage();
      const world = await World.create(t, { perSecond: 100, wrap: outage.wrap });
      await world.applyPolicy();
      await world.applyExperiment({ deadline: '2m', ...spec });
      let exposed = 0;
      for (let at = 0; at < 260; at += 1) {
        const down = at >= from && at < from + lasts;
        outage.failure = down ? unavailable : undefined;
        if (at === from) exposed = exposure((await world.run()).status);
        await second(world);
        await program(world);
        const { status } = await world.run();
        if (down) {
          t.true(exposure(status) <= exposed, `${exposure(status)} at ${at}`);
          const divided = (status.intent?.variantWeight ?? 0) % 100 !== 0;
          t.false(divided && at - from > limitMs / 1_000 + 1, `divided at ${at}`);
        }
        if (isFinal(status.phase)) break;
      }
      const { status } = await world.run();
      t.true(isFinal(status.phase), `${status.phase} of ${JSON.stringify(spec)}`);
      const intents = status.intents ?? [];
      t.deepEqual(
        intents.map(({ epoch }) => epoch),
        intents.map((_, index) => index + 1),
      );
      t.is(status.intent?.variantWeight, status.phase === 'Succeeded' ? 100 : 0);
      t.is(status.phase === 'Succeeded', status.verdict === 'PASS');
    }),
    { numRuns: 15 },
  );
});

import test from 'ava';
import { sha256 } from '../../../functions/lib/canonical-json.ts';
import { CloverError } from '../../../functions/lib/errors.ts';
import type { ResourceStore } from '../../../functions/resources/store.ts';
import { eventTypes } from '../../../knative/events.ts';
import { elapsed } from './helpers/elapsed.ts';
import { healthy, World, type Answer } from './helpers/world.ts';

const drill = {
  fault: { delay: { duration: '200ms', percent: 100 } },
  expect: 'FAIL',
};

const delayedUnderFault: Answer = (draw) => {
  const { latency = 0 } = healthy(draw);
  return { latency: latency + (draw.fault ? 0.2 : 0) };
};

/** The condition `Complete` of the experiment. */
const complete = async (world: World) =>
  (await world.experiment()).status.conditions?.find(({ type }) => type === 'Complete');

const failing: Answer = (draw) => ({ ...healthy(draw), error: draw.random() < 0.2 });

test('an equal version passes, is watched at 100 %, and succeeds', async (t) => {
  const world = await World.create(t);
  await world.applyPolicy();
  await world.applyExperiment();
  const { status, metadata } = await world.untilComplete();
  t.is(status.phase, 'Succeeded');
  t.is(status.verdict, 'PASS');
  t.deepEqual(
    status.intents?.map(({ epoch, variantWeight }) => [epoch, variantWeight]),
    [
      [1, 50],
      [2, 100],
    ],
  );
  const { control = 0, variant = 0 } = status.evidence?.samples ?? {};
  t.true(control + variant >= 1_000 && control + variant <= 5_000);

  const looks = await world.stores.evidence.looks(metadata.name);
  let previous = '0'.repeat(64);
  for (const [index, look] of looks.entries()) {
    t.is(look.number, index + 1);
    t.is(look.previous, previous);
    t.is(look.hash, sha256(previous + look.body));
    previous = look.hash;
  }
  t.deepEqual(status.look, { number: looks.length, hash: previous });
});

test('after success the overlay is held until the spec of the policy agrees', async (t) => {
  const world = await World.create(t);
  await world.applyPolicy();
  await world.applyExperiment();
  await world.untilComplete();
  const overlay = async () =>
    (await world.experiment()).status.conditions?.find(({ type }) => type === 'OverlayActive');
  t.like(await overlay(), { status: 'True', reason: 'SpecDiffers' });
  t.deepEqual((await world.experiment()).metadata.finalizers, ['clover.dev/overlay']);
  t.false(await world.evaluate.isActive?.('evaluate-look'));

  await world.applyPolicy({ v1: 0, v2: 100 });
  t.like(await overlay(), { status: 'False', reason: 'SpecAgrees' });
  t.deepEqual((await world.experiment()).metadata.finalizers ?? [], []);

  await world.applyPolicy({ v1: 100, v2: 0 });
  t.like(await overlay(), { status: 'False' });
});

test('a drill is caught within seconds of its fault and rolled back', async (t) => {
  const world = await World.create(t, { variant: delayedUnderFault });
  await world.applyPolicy();
  await world.applyExperiment({ drill });
  const { status } = await world.untilComplete();
  t.is(status.phase, 'RolledBack');
  t.is(status.verdict, 'FAIL');
  const fault = status.intents?.find((intent) => intent.fault !== undefined);
  t.true(elapsed(fault?.at, status.verdictAt) <= 4_000);
  t.is(status.intent?.variantWeight, 0);
  t.is((await complete(world))?.reason, 'DrillCaught');
});

test('a drill that nobody catches fails the experiment as DrillMissed', async (t) => {
  const world = await World.create(t);
  await world.applyPolicy();
  await world.applyExperiment({ drill });
  const { status } = await world.untilComplete();
  t.is(status.phase, 'Failed');
  t.not(status.verdict, 'FAIL');
  t.is((await complete(world))?.reason, 'DrillMissed');
  t.is(status.intent?.variantWeight, 0);
});

test('a version that answers errors fails although it answers fast', async (t) => {
  const world = await World.create(t, { variant: failing });
  await world.applyPolicy();
  await world.applyExperiment();
  const { status } = await world.untilComplete();
  t.is(status.phase, 'RolledBack');
  t.is(status.verdict, 'FAIL');
  t.regex(status.reason ?? '', /^errors /);
});

test('a version that hangs never passes', async (t) => {
  const world = await World.create(t, { variant: () => ({ latency: undefined }) });
  await world.applyPolicy();
  await world.applyExperiment();
  const { status } = await world.untilComplete();
  t.is(status.phase, 'RolledBack');
  t.true(status.verdict === 'FAIL' || status.verdict === 'INVALID');
});

test('evidence that stops ends in INVALID, never in PASS or FAIL', async (t) => {
  const world = await World.create(t, { variant: delayedUnderFault });
  await world.applyPolicy();
  await world.applyExperiment({ deadline: '30m' });
  for (let passed = 0; passed < 4; passed += 1) await world.second();
  world.blind = true;
  const { status } = await world.untilComplete(120);
  t.is(status.verdict, 'INVALID');
  t.regex(status.reason ?? '', /no-evidence/);
  t.is(status.phase, 'RollingBack');
  world.blind = false;
  t.is((await world.untilComplete(5)).status.phase, 'RolledBack');
});

test('evidence that stops before the deadline ends in INCONCLUSIVE', async (t) => {
  const world = await World.create(t);
  await world.applyPolicy();
  await world.applyExperiment({ deadline: '20s' });
  for (let passed = 0; passed < 5; passed += 1) await world.second();
  world.blind = true;
  for (let passed = 0; passed < 20; passed += 1) await world.second();
  t.is((await world.run()).status.verdict, 'INCONCLUSIVE');
});

test('while the variant is watched, stopped evidence neither ends nor undoes anything', async (t) => {
  const world = await World.create(t);
  await world.applyPolicy();
  await world.applyExperiment({ deadline: '30s' });
  for (let passed = 0; passed < 60; passed += 1) {
    await world.second();
    if ((await world.run()).status.phase === 'Verifying') break;
  }
  world.blind = true;
  for (let passed = 0; passed < 34; passed += 1) await world.second();
  t.is((await world.run()).status.phase, 'Verifying');
  for (let passed = 0; passed < 3; passed += 1) await world.second();
  const { status } = await world.run();
  t.is(status.verdict, 'INCONCLUSIVE');
  t.is(status.intent?.variantWeight, 0);
});

test('a version that turns slow at 100 % is rolled back', async (t) => {
  const born = 1_800_000_000;
  const variant: Answer = (draw) => {
    const { latency = 0 } = healthy(draw);
    return { latency: draw.block > born + 30 ? latency * 3 : latency };
  };
  const world = await World.create(t, { variant });
  await world.applyPolicy();
  await world.applyExperiment({ watchAfter: { duration: '60s' } });
  const { status } = await world.untilComplete();
  t.is(status.phase, 'RolledBack');
  t.is(status.verdict, 'FAIL');
  t.deepEqual(
    status.intents?.map(({ variantWeight }) => variantWeight),
    [50, 100, 0],
  );
});

test('one experiment at a time moves the traffic of a policy', async (t) => {
  const world = await World.create(t);
  await world.applyPolicy();
  await world.applyExperiment({}, 'one');
  await world.applyExperiment({}, 'two');
  const progressing = (await world.experiment('two')).status.conditions?.find(
    ({ type }) => type === 'Progressing',
  );
  t.like(progressing, { status: 'False', reason: 'AnotherRunActive' });
  await world.untilComplete(60, 'one');
  await world.tick();
  t.is((await world.run('two')).status.phase, 'WarmingUp');
});

test('an experiment whose target came without its event starts at the next resync', async (t) => {
  const world = await World.create(t);
  await world.applyExperiment();
  t.is((await world.experiment()).status.run, undefined);
  await world.applyPolicyUnseen();
  t.false(await world.evaluate.isActive?.('evaluate-look'));
  t.true(await world.evaluate.isActive?.('evaluate-resync'));
  await world.tick('evaluate-resync');
  t.truthy((await world.experiment()).status.run);
});

test('a deleted experiment is rolled back before it goes', async (t) => {
  const world = await World.create(t);
  await world.applyPolicy();
  await world.applyExperiment();
  await world.second();
  await world.stores.resources.delete('Experiment', 'default', 'exp');
  await world.tell('Experiment', 'exp');
  const { status } = await world.run();
  t.is(status.phase, 'RollingBack');
  t.is(status.intent?.variantWeight, 0);
  await world.second();
  t.is(await world.stores.resources.get('Experiment', 'default', 'exp'), undefined);
  t.is((await world.stores.resources.list('ExperimentRun')).items.length, 0);
  t.false(await world.evaluate.isActive?.('evaluate-look'));
});

test('a changed experiment ends its old run and starts another', async (t) => {
  const world = await World.create(t);
  await world.applyPolicy();
  await world.applyExperiment();
  await world.second();
  const old = await world.run();
  await world.applyExperiment({ alpha: 0.02 });
  for (let passed = 0; passed < 3; passed += 1) await world.second();
  const { items } = await world.stores.resources.list('ExperimentRun');
  t.deepEqual(
    items.map(({ status }) => status.phase),
    ['RolledBack', 'WarmingUp'],
  );
  t.is(items[0]?.metadata.name, old.metadata.name);
});

test('malformed evidence is refused whole, by code, before any effect', async (t) => {
  const world = await World.create(t);
  await world.applyPolicy();
  await world.applyExperiment();
  await world.second();
  const before = await world.stores.evidence.totals({ from: 0, to: 1e15 });
  const cell = { splitter: 'default/gateway', run: 'r' };
  for (const data of ['', '{', '[]', '{"sequence":1}', { sequence: 0 }, { cells: [cell] }]) {
    const error = await t.throwsAsync(world.send(eventTypes.evidence, '/nodes/n1/b1', data), {
      instanceOf: CloverError,
    });
    t.is(error.code, 'CLV_EVENT_DATA_INVALID');
  }
  t.deepEqual(await world.stores.evidence.totals({ from: 0, to: 1e15 }), before);
});

test('a run whose target vanishes before its turn does not begin', async (t) => {
  const world = await World.create(t);
  await world.applyPolicy();
  await world.applyExperiment({}, 'one');
  await world.applyExperiment({}, 'two');
  await world.stores.resources.delete('TrafficPolicy', 'default', 'proxy');
  await world.stores.resources.delete('Experiment', 'default', 'one');
  for (let passed = 0; passed < 3; passed += 1) await world.second();
  t.is((await world.run('two')).status.phase, 'Pending');
  t.is((await world.run('two')).status.intent, undefined);
  await world.applyPolicy();
  await world.second();
  t.is((await world.run('two')).status.phase, 'WarmingUp');
});

test('equal events change nothing: no look, no write', async (t) => {
  const world = await World.create(t);
  await world.applyPolicy();
  await world.applyExperiment();
  for (let passed = 0; passed < 6; passed += 1) await world.second();
  const before = await world.run();
  const experiment = await world.experiment();
  for (let again = 0; again < 3; again += 1) {
    await world.tick();
    await world.tell('Experiment', 'exp');
    await world.tell('TrafficPolicy', 'proxy');
  }
  t.deepEqual(await world.run(), before);
  t.deepEqual(await world.experiment(), experiment);
  t.is(
    (await world.stores.evidence.lastLook(before.metadata.name))?.number,
    before.status.look?.number,
  );
});

test('an experiment that cannot be settled does not keep the others waiting', async (t) => {
  const world = await World.create(t, {
    wrap: (stores) => {
      const get: ResourceStore['get'] = async (kind, namespace, name) => {
        if (name === 'aaa') throw new CloverError('CLV_KUBERNETES_UNREACHABLE', 'away');
        return stores.resources.get(kind, namespace, name);
      };
      return { ...stores, resources: { ...stores.resources, get } };
    },
  });
  const away = { code: 'CLV_KUBERNETES_UNREACHABLE' };
  await t.throwsAsync(world.applyExperiment({}, 'aaa'), away);
  await world.applyExperiment();
  await world.applyPolicyUnseen();
  t.is((await world.experiment()).status.run, undefined);
  await t.throwsAsync(world.tick('evaluate-resync'), away);
  t.truthy((await world.experiment()).status.run);
});

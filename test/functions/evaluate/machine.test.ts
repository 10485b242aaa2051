import test from 'ava';
import fc from 'fast-check';
import type { ExperimentRunStatus } from '../../../knative/resources/experiment-run.ts';
import { experimentSpec, type ExperimentSpec } from '../../../knative/resources/experiment.ts';
import type { Conclusion } from '../../../functions/evaluate/look.ts';
import { advance, conclude, drillMissed, type Facts } from '../../../functions/evaluate/machine.ts';
import { isFinal } from '../../../functions/lib/final-phase.ts';

const planOf = (more: Readonly<Record<string, unknown>> = {}): ExperimentSpec =>
  experimentSpec.parse({
    targetRef: { name: 'proxy' },
    control: 'v1',
    variant: 'v2',
    warmUp: '3s',
    ...more,
  });

const fault = { abort: { status: 503, percent: 100 } };
const drill = { drill: { fault, expect: 'FAIL' } };
const stepped = { plan: [{ weight: 5, hold: '10s' }, { weight: 25 }, { weight: 50 }] };

const factsOf = (more: Partial<Facts> = {}): Facts => ({
  now: 100_000,
  mayStart: true,
  watermark: 100_000,
  firstBlock: undefined,
  applied: false,
  cancelled: undefined,
  ...more,
});

const said = (
  outcome: Conclusion['outcome'],
  stage: Conclusion['stage'] = 'judge',
  at = 200_000,
): Conclusion => ({
  stage,
  at,
  outcome,
  reason: `says ${outcome}`,
  summary: {
    samples: { control: 1, variant: 2 },
    errors: { control: 0, variant: 0 },
    stuck: 0,
    missing: 0,
    effects: [],
    window: { from: 0, to: 1_000 },
  },
});

const weights = (status: ExperimentRunStatus): (number | undefined)[] =>
  (status.intents ?? []).map(({ variantWeight }) => variantWeight);

const look = { number: 1, hash: 'h' };

/** A status in the phase Running. */
function running(plan: ExperimentSpec): ExperimentRunStatus {
  let status = advance(plan, {}, factsOf());
  status = advance(plan, status, factsOf({ firstBlock: 100 }));
  return advance(plan, status, factsOf({ now: 103_000, firstBlock: 100 }));
}

test('a run waits in Pending while an older one moves the same traffic', (t) => {
  const waiting = advance(planOf(), {}, factsOf({ mayStart: false }));
  t.deepEqual(waiting, { phase: 'Pending' });
  t.is(advance(planOf(), waiting, factsOf({ mayStart: false })), waiting);
  t.is(advance(planOf(), waiting, factsOf()).phase, 'WarmingUp');
});

test('judging begins a warm-up after the first stamped request', (t) => {
  const started = advance(planOf(), {}, factsOf());
  t.is(advance(planOf(), started, factsOf()), started);
  const seen = advance(planOf(), started, factsOf({ firstBlock: 100 }));
  t.is(seen.judgedFrom, '1970-01-01T00:01:43.000Z');
  t.is(advance(planOf(), seen, factsOf({ now: 102_999 })), seen);
  t.is(advance(planOf(), seen, factsOf({ now: 103_000 })).phase, 'Running');
});

test('a status keeps its times as RFC 3339, to the millisecond', (t) => {
  const plan = planOf();
  const passed = conclude(plan, running(plan), look, said('PASS', 'judge', 200_001));
  const watched = said('PASS', 'watch', 260_020);
  const { intents, evidence, startedAt, judgedFrom, verdictAt, endedAt } = conclude(
    plan,
    passed,
    { number: 2, hash: 'i' },
    watched,
  );
  t.deepEqual(
    { startedAt, judgedFrom, verdictAt, endedAt, window: evidence?.window },
    {
      startedAt: '1970-01-01T00:01:40.000Z',
      judgedFrom: '1970-01-01T00:01:43.000Z',
      verdictAt: '1970-01-01T00:03:20.001Z',
      endedAt: '1970-01-01T00:04:20.020Z',
      window: { from: '1970-01-01T00:00:00.000Z', to: '1970-01-01T00:00:01.000Z' },
    },
  );
  t.deepEqual(
    intents?.map(({ at }) => at),
    [startedAt, verdictAt],
  );
});

test('steps of the plan follow each other by their hold, and the last one stays', (t) => {
  const plan = planOf(stepped);
  let status = running(plan);
  t.is(advance(plan, status, factsOf({ now: 112_999 })), status);
  status = advance(plan, status, factsOf({ now: 113_000 }));
  t.is(advance(plan, status, factsOf({ now: 172_999 })), status);
  status = advance(plan, status, factsOf({ now: 173_000 }));
  t.is(advance(plan, status, factsOf({ now: 1e9 })), status);
  t.deepEqual(weights(status), [5, 25, 50]);
});

test('a drill puts its fault on after the warm-up, in an epoch of its own', (t) => {
  const { intents } = running(planOf(drill));
  t.deepEqual(
    intents?.map((intent) => [intent.epoch, intent.fault]),
    [
      [1, undefined],
      [2, fault],
    ],
  );
});

for (const [outcome, more, phase, last] of [
  ['CONTINUE', {}, 'Running', 50],
  ['PASS', {}, 'Verifying', 100],
  ['FAIL', {}, 'RollingBack', 0],
  ['INCONCLUSIVE', {}, 'RollingBack', 0],
  ['INVALID', {}, 'RollingBack', 0],
  ['PASS', drill, 'RollingBack', 0],
  ['FAIL', drill, 'RollingBack', 0],
] as const) {
  const kind = 'drill' in more ? 'drill' : 'run';
  test(`${outcome} takes a ${kind} from Running to ${phase}`, (t) => {
    const plan = planOf(more);
    const status = conclude(plan, running(plan), look, said(outcome));
    t.is(status.phase, phase);
    t.is(weights(status).at(-1), last);
    t.is(status.verdict, outcome === 'CONTINUE' ? undefined : outcome);
    t.deepEqual(status.look, look);
  });
}

for (const [outcome, phase, last] of [
  ['CONTINUE', 'Verifying', 100],
  ['PASS', 'Succeeded', 100],
  ['FAIL', 'RollingBack', 0],
  ['INCONCLUSIVE', 'RollingBack', 0],
] as const) {
  test(`${outcome} takes a watched run from Verifying to ${phase}`, (t) => {
    const plan = planOf();
    const passed = conclude(plan, running(plan), look, said('PASS'));
    const status = conclude(plan, passed, { number: 2, hash: 'i' }, said(outcome, 'watch'));
    t.is(status.phase, phase);
    t.is(weights(status).at(-1), last);
    t.deepEqual(status.evidence, passed.evidence);
  });
}

test('a look that is already in the status changes nothing', (t) => {
  const plan = planOf();
  const status = conclude(plan, running(plan), look, said('PASS'));
  t.is(conclude(plan, status, look, said('FAIL')), status);
});

test('a late look of the judge does not touch a run that is being watched', (t) => {
  const plan = planOf();
  const status = conclude(plan, running(plan), look, said('PASS'));
  const later = conclude(plan, status, { number: 2, hash: 'i' }, said('FAIL'));
  t.is(later.phase, 'Verifying');
  t.is(later.intent, status.intent);
});

test('roll-back ends once it is applied; a drill that was not caught has failed', (t) => {
  for (const [more, outcome, phase] of [
    [{}, 'FAIL', 'RolledBack'],
    [drill, 'FAIL', 'RolledBack'],
    [drill, 'INCONCLUSIVE', 'Failed'],
    [drill, 'PASS', 'Failed'],
  ] as const) {
    const plan = planOf(more);
    const status = conclude(plan, running(plan), look, said(outcome));
    t.is(advance(plan, status, factsOf()), status);
    const ended = advance(plan, status, factsOf({ applied: true }));
    t.is(ended.phase, phase);
    t.is(drillMissed(plan, ended.verdict), phase === 'Failed');
  }
});

test('a cancelled run gives its traffic back, or ends at once when it never had any', (t) => {
  const plan = planOf();
  const cancelled = factsOf({ cancelled: 'deleted' });
  t.is(advance(plan, {}, cancelled).phase, 'RolledBack');
  const status = advance(plan, running(plan), cancelled);
  t.is(status.phase, 'RollingBack');
  t.is(weights(status).at(-1), 0);
  t.is(status.verdict, 'INCONCLUSIVE');
});

test('whatever happens: epochs grow by one, weights are the plan’s, and an end is an end', (t) => {
  const event = fc.oneof(
    fc.record({
      now: fc.nat(300_000),
      mayStart: fc.boolean(),
      watermark: fc.option(fc.nat(300_000), { nil: undefined }),
      firstBlock: fc.option(fc.integer({ min: 1, max: 200 }), { nil: undefined }),
      applied: fc.boolean(),
      cancelled: fc.option(fc.constant('gone'), { nil: undefined, freq: 20 }),
    }),
    fc.record({
      outcome: fc.constantFrom('CONTINUE', 'PASS', 'FAIL', 'INCONCLUSIVE', 'INVALID'),
      stage: fc.constantFrom('judge', 'watch'),
      at: fc.nat(300_000),
    }),
  );
  const plans = [planOf(), planOf(stepped), planOf(drill), planOf({ ...stepped, ...drill })];
  let finals = 0;
  fc.assert(
    fc.property(fc.constantFrom(...plans), fc.array(event, { maxLength: 60 }), (plan, events) => {
      let status: ExperimentRunStatus = {};
      const allowed = new Set([0, 100, ...plan.plan.map(({ weight }) => weight)]);
      for (const [index, each] of events.entries()) {
        const before = status;
        status =
          'outcome' in each
            ? conclude(
                plan,
                before,
                { number: index + 1, hash: 'h' },
                said(each.outcome, each.stage, each.at),
              )
            : advance(plan, before, each);
        if (isFinal(before.phase) && status !== before) return false;
        const intents = status.intents ?? [];
        if (!intents.every(({ epoch }, position) => epoch === position + 1)) return false;
        if (!intents.every(({ variantWeight }) => allowed.has(variantWeight))) return false;
        if (intents.at(-1) !== status.intent) return false;
        if (intents.length - (before.intents ?? []).length > 1) return false;
      }
      if (isFinal(status.phase)) finals += 1;
      return true;
    }),
    { numRuns: 500, seed: 3 },
  );
  t.true(finals > 50);
});

import test from 'ava';
import type { BlockCell } from '../../../functions/evidence/evidence-store.ts';
import { judge, type JudgeInput } from '../../../functions/evaluate/judge.ts';
import { chainLook, readConclusion } from '../../../functions/evaluate/look.ts';
import { toRfc3339 } from '../../../functions/lib/rfc3339.ts';
import { toBlockCells, type Seen } from './helpers/cells.ts';
import { inputOf, planOf, requests, type Shape } from './helpers/evidence.ts';
import { createNormal, createRandom } from './helpers/random.ts';

const judged = (shape: Shape, more: Partial<JudgeInput> = {}) =>
  judge(inputOf(toBlockCells(requests(shape)), more));

test('equal versions pass within 2,000 to 5,000 requests at a margin of 10 %', (t) => {
  const needed = [1, 2, 3, 4, 5, 6, 7, 8].map((seed) => {
    for (let seconds = 2; seconds <= 30; seconds += 1) {
      const { outcome } = judged({ seed, seconds });
      if (outcome === 'PASS') return seconds * 200;
    }
    return Infinity;
  });
  t.log(needed);
  t.true(needed.every((units) => units <= 5_000));
});

test('200 ms on top of 2 ms fails with the first hundred requests of each arm', (t) => {
  const finding = judged({ seconds: 3, factor: 100 });
  t.is(finding.outcome, 'FAIL');
  t.true((finding.metrics[0]?.low ?? 0) > 10);
});

test('no verdict comes before minSamples in each arm', (t) => {
  const plan = planOf({ minSamples: 1_000 });
  t.is(judged({ seconds: 9, factor: 100 }, { plan }).outcome, 'CONTINUE');
  t.is(judged({ seconds: 13, factor: 100 }, { plan }).outcome, 'FAIL');
});

test('blocks beyond the watermark and before the window do not count', (t) => {
  const cells = toBlockCells(requests({ seconds: 10 }));
  const { summary } = judge(inputOf(cells, { watermark: 1_005_999 }));
  t.deepEqual(summary.window, { from: 1_001_000, to: 1_005_000 });
  t.is(summary.samples.control + summary.samples.variant, 800);
});

test('without a live source there is no verdict, whatever the cells say', (t) => {
  const finding = judged({ factor: 100 }, { watermark: undefined });
  t.is(finding.outcome, 'CONTINUE');
  const later = judged({ factor: 100 }, { watermark: undefined, now: 1_085_000 });
  t.is(later.outcome, 'INVALID');
  t.regex(later.reason, /no-evidence/);
  const deadline = judged({ factor: 100 }, { watermark: undefined, now: 1_119_000 });
  t.is(deadline.outcome, 'INCONCLUSIVE');
});

test('requests that stopped give no verdict, though another agent moves the watermark', (t) => {
  const watermark = 1_030_000;
  t.is(judged({ factor: 100 }, { watermark, now: watermark }).outcome, 'CONTINUE');
  t.is(judged({ factor: 100 }, { watermark, now: 1_119_000 }).outcome, 'INCONCLUSIVE');
});

test('silence counts from the last report, not from the start of the run', (t) => {
  const more = { watermark: undefined, now: 1_100_000, heardAt: 1_080_000 };
  t.is(judged({ factor: 100 }, more).outcome, 'CONTINUE');
  t.is(judged({ factor: 100 }, { ...more, heardAt: 1_029_000 }).outcome, 'INVALID');
});

test('blocks that their own source never sealed do not count, though another moves on', (t) => {
  const half = toBlockCells(requests({ factor: 100, seconds: 5 })).map((cell) =>
    Object.assign(cell, { sealed: false }),
  );
  const whole = toBlockCells(requests({ from: 1_005, seconds: 30, seed: 2 }));
  const finding = judge(inputOf([...half, ...whole]));
  t.is(finding.outcome, 'PASS');
  t.is(finding.summary.samples.control + finding.summary.samples.variant, 6_000);
});

test('failing fast is no low latency: errors are judged without a metric on them', (t) => {
  const plan = planOf({ metrics: [{ type: 'latency', margin: 0.1 }] });
  t.is(judged({ seconds: 30 }, { plan }).outcome, 'PASS');
  t.is(judged({ errors: [0, 1], factor: 0.1 }, { plan }).outcome, 'FAIL');
  for (let seconds = 2; seconds <= 60; seconds += 1) {
    const { outcome, reason } = judged({ seconds, errors: [0, 0.03], factor: 0.9 }, { plan });
    t.not(outcome, 'PASS');
    if (outcome !== 'FAIL') continue;
    t.regex(reason, /errors/);
    return;
  }
  t.fail('never failed');
});

test('our own absence is not the silence of the agents', (t) => {
  const more = { watermark: undefined, now: 1_085_000, listeningSince: 1_084_000 };
  t.is(judged({}, more).outcome, 'CONTINUE');
});

test('a split that differs from the plan is INVALID, whatever the metrics say', (t) => {
  const finding = judged({ seconds: 30, share: 0.42, factor: 3 });
  t.is(finding.outcome, 'INVALID');
  t.regex(finding.reason, /^sample-ratio/);
});

test('one stuck request bars a PASS', (t) => {
  const seen = requests({ seconds: 30 });
  t.is(judge(inputOf(toBlockCells(seen))).outcome, 'PASS');
  const stuck: Seen = { run: 'r', epoch: 1, arm: 'variant', block: 1_005, latency: undefined };
  const finding = judge(inputOf(toBlockCells([...seen, stuck])));
  t.is(finding.outcome, 'CONTINUE');
  t.regex(finding.reason, /stuck/);
});

test('a version whose requests all hang fails, by latency and by errors', (t) => {
  const plans = [
    planOf(),
    planOf({ metrics: [{ type: 'latency' }] }),
    planOf({ metrics: [{ type: 'errors' }] }),
  ];
  for (const plan of plans) t.is(judged({ stuckVariant: 1 }, { plan }).outcome, 'FAIL');
});

test('a version that hangs without ever being named leaves the split wrong: INVALID', (t) => {
  t.is(judged({ stuckVariant: 1, unnamed: true }).outcome, 'INVALID');
});

test('few missing requests widen the interval, many bar the verdict and end INVALID', (t) => {
  const clean = judged({ seconds: 40 });
  t.is(clean.outcome, 'PASS');
  const few = judged({ seconds: 40, unstamped: 1 });
  t.is(few.outcome, 'PASS');
  t.is(few.summary.missing, 39);
  const [before, after] = [clean.metrics[0], few.metrics[0]];
  t.true((after?.highest ?? 0) > (before?.highest ?? 0));
  const many = judged({ seconds: 40, unstamped: 30 });
  t.is(many.outcome, 'INVALID');
  t.regex(many.reason, /^missing/);
});

test('missing requests that only just began to matter do not end a run yet', (t) => {
  t.is(judged({ seconds: 9, unstamped: 30, factor: 1 }).outcome, 'CONTINUE');
});

test('a gross FAIL survives every filling of the missing', (t) => {
  t.is(judged({ seconds: 10, unstamped: 10, factor: 100 }).outcome, 'FAIL');
});

test('missing requests that may all have gone well bar a FAIL on errors', (t) => {
  const plan = planOf({ metrics: [{ type: 'errors', margin: 0.1, floor: 0.01 }] });
  const shape = { seconds: 20, errors: [0, 0.03] } as const;
  t.is(judged(shape, { plan }).outcome, 'FAIL');
  t.is(judged({ ...shape, unstamped: 400 }, { plan }).outcome, 'INVALID');
});

test('a reason says by which rule errors pass', (t) => {
  t.regex(judged({ seconds: 30 }).reason, /; errors surely below the floor of 1 %$/);
});

test('an error ratio above margin and floor fails; below the floor it never does', (t) => {
  t.is(judged({ seconds: 20, errors: [0, 0.05] }).outcome, 'FAIL');
  for (const seed of [1, 2, 3, 4]) {
    const { outcome } = judged({ seed, seconds: 60, errors: [0, 0.004] });
    t.not(outcome, 'FAIL');
  }
});

test('a guardrail that fails fails the run; one that is undecided does not hold a PASS back', (t) => {
  const guarded = planOf({
    metrics: [
      { type: 'latency', margin: 0.1 },
      { type: 'errors', role: 'guardrail', floor: 0 },
    ],
  });
  t.is(judged({ seconds: 20 }, { plan: guarded }).outcome, 'PASS');
  t.is(judged({ seconds: 20, errors: [0, 0.05] }, { plan: guarded }).outcome, 'FAIL');
});

test('a PASS waits for the last step of the plan; a FAIL does not', (t) => {
  const plan = planOf({ plan: [{ weight: 50 }, { weight: 60 }] });
  t.is(judged({ seconds: 30 }, { plan }).outcome, 'CONTINUE');
  t.is(judged({ seconds: 30, factor: 2 }, { plan }).outcome, 'FAIL');
});

test('epochs with different shares are judged together', (t) => {
  const seen = [
    ...requests({ seconds: 10, share: 0.1 }),
    ...requests({ seconds: 15, share: 0.5, epoch: 2, seed: 9, from: 1_010 }),
  ];
  const plan = planOf({ plan: [{ weight: 10 }, { weight: 50 }] });
  const intents = [
    { epoch: 1, variantWeight: 10, at: toRfc3339(999_000) },
    { epoch: 2, variantWeight: 50, at: toRfc3339(1_010_000) },
  ];
  const finding = judge(inputOf(toBlockCells(seen), { plan, intents }));
  t.is(finding.epochs.length, 2);
  t.is(finding.outcome, 'PASS');
});

test('in a drill only requests under the fault are judged', (t) => {
  const drill = { fault: { abort: { status: 503, percent: 100 } }, expect: 'FAIL' };
  const plan = planOf({ drill });
  const finding = judged({ seconds: 20, factor: 5 }, { plan });
  t.is(finding.outcome, 'CONTINUE');
  t.is(finding.summary.samples.variant, 0);
});

test('equal versions seldom fail at margin 0 with a look every second, through ramps and shocks', (t) => {
  const plan = planOf({ metrics: [{ type: 'latency', margin: 0 }], minSamples: 10, alpha: 0.05 });
  let failed = 0;
  for (let seed = 1; seed <= 60; seed += 1) {
    const random = createRandom(seed + 1_000);
    const normal = createNormal(random);
    let shock = 0;
    const shocks = Array.from({ length: 30 }, () => (shock = 0.9 * shock + 0.5 * normal()));
    const drift = (second: number): number => (shocks[second] ?? 0) + second / 30;
    const cells = toBlockCells(requests({ seed, seconds: 30, perSecond: 40, drift }));
    for (let seconds = 2; seconds <= 30; seconds += 1) {
      const watermark = (1_000 + seconds) * 1_000;
      if (judge(inputOf(cells, { plan, watermark })).outcome !== 'FAIL') continue;
      failed += 1;
      break;
    }
  }
  t.true(failed <= 6, `${failed} of 60`);
});

const body = (cells: readonly BlockCell[]) =>
  ({
    ...judge(inputOf(cells)),
    stage: 'judge',
    run: 'r',
    number: 1,
    at: 5,
    watermark: 6,
    openTimeoutMs: 7,
  }) as const;

test('the same inputs give the same bytes, and the chain holds them', (t) => {
  const cells = toBlockCells(requests({}));
  const first = chainLook(undefined, body(cells));
  t.deepEqual(chainLook(undefined, body(structuredClone(cells))), first);
  const second = chainLook(first, { ...body(cells), number: 2 });
  t.is(second.previous, first.hash);
  t.is(readConclusion(first).outcome, judge(inputOf(cells)).outcome);
  const other = chainLook(undefined, body(toBlockCells(requests({ seed: 2 }))));
  t.not(other.hash, first.hash);
});

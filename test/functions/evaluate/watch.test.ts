import test from 'ava';
import type { JudgeInput } from '../../../functions/evaluate/judge.ts';
import { watch } from '../../../functions/evaluate/watch.ts';
import { toBlockCells } from './helpers/cells.ts';
import { inputOf, planOf, requests } from './helpers/evidence.ts';

function watched(
  factor: number,
  errorRatio: number,
  seconds = 70,
  more: Partial<JudgeInput> = {},
): ReturnType<typeof watch> {
  const errors = [0, errorRatio] as const;
  const after = { seconds, share: 1, epoch: 2, factor, errors, seed: 4, from: 1_020 };
  const cells = toBlockCells([...requests({ seconds: 20 }), ...requests(after)]);
  const intents = [
    { epoch: 1, variantWeight: 50, at: 999_000 },
    { epoch: 2, variantWeight: 100, at: 1_020_000 },
  ];
  return watch({ ...inputOf(cells, { intents, ...more }), verdictAt: 1_020_000 });
}

test('the watch passes a version that keeps the control’s level, after its whole duration', (t) => {
  t.is(watched(1, 0).outcome, 'PASS');
  t.is(watched(1.3, 0).outcome, 'PASS');
  t.is(watched(1, 0, 30).outcome, 'CONTINUE');
  const silent = { watermark: 1_100_000, now: 1_100_000 };
  t.is(watched(1, 0, 30, silent).outcome, 'CONTINUE');
});

test('the watch fails a version that turns surely slower or surely faulty', (t) => {
  t.is(watched(2, 0, 10).outcome, 'FAIL');
  t.is(watched(1, 0.1, 10).outcome, 'FAIL');
});

test('good minutes do not hide what turns bad later: found within three seconds', (t) => {
  for (const late of [{ factor: 3 }, { errors: [0, 0.2] }] as const) {
    const good = { seconds: 600, share: 1, epoch: 2, seed: 4, from: 1_020, perSecond: 100 };
    const bad = { ...good, ...late, seconds: 3, seed: 5, from: 1_620 };
    const seen = [good, bad].flatMap((shape) => requests(shape));
    const cells = toBlockCells([...requests({ seconds: 20 }), ...seen]);
    const plan = planOf({ watchAfter: { duration: '1h' } });
    const intents = [
      { epoch: 1, variantWeight: 50, at: 999_000 },
      { epoch: 2, variantWeight: 100, at: 1_020_000 },
    ];
    const input = { ...inputOf(cells, { intents, plan }), verdictAt: 1_020_000 };
    t.is(watch({ ...input, watermark: 1_620_000 }).outcome, 'CONTINUE');
    t.is(watch(input).outcome, 'FAIL');
  }
});

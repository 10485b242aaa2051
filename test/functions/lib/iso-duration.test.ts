import test from 'ava';
import fc from 'fast-check';
import { isoDurationMs } from '../../../functions/lib/iso-duration.ts';

const day = 86_400_000;

test('an ISO 8601 duration is read with all of its parts', (t) => {
  for (const [text, ms] of [
    ['PT0.2S', 200],
    ['PT0,2S', 200],
    ['PT.5S', 500],
    ['PT5.S', 5_000],
    ['PT1H2M3.5S', 3_723_500],
    ['PT0.5M', 30_000],
    ['P1D', day],
    ['P0DT1S', 1_000],
    ['+P1DT12H', 1.5 * day],
    ['P2W', 14 * day],
    ['P1M', (365.2425 / 12) * day],
    ['P1Y', 365.2425 * day],
    ['P0', 0],
    ['P0D', 0],
    ['PT0S', 0],
  ] as const) {
    t.is(isoDurationMs(text), ms, text);
  }
});

test('what is no duration, or a negative one, is none', (t) => {
  const bad = ['', 'P', 'PT', 'P1', 'P1DT', '5s', '10', 'PT-1S', '-PT1S', 'PT1S ', 'pt1s', 'P1S'];
  for (const text of [...bad, 'PT1D', 'PT1S1M', 'PT1.2.3S', 'PT.S', 'PTS', 'P1DT1H1H', 'PT1e3S']) {
    t.is(isoDurationMs(text), undefined, text);
  }
});

test('the parts of a duration add up', (t) => {
  const part = fc.nat({ max: 9_999 });
  fc.assert(
    fc.property(part, part, part, part, (d, h, m, s) => {
      const sum = d * day + h * 3_600_000 + m * 60_000 + s * 1_000;
      t.is(isoDurationMs(`P${d}DT${h}H${m}M${s}S`), sum);
    }),
  );
});

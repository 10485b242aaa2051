import test from 'ava';
import fc from 'fast-check';
import { durationMs } from '../../../functions/lib/duration.ts';
import { durationText } from '../../../knative/resources/meta-schemas.ts';

test('each unit has its length', (t) => {
  t.is(durationMs('250ms'), 250);
  t.is(durationMs('30s'), 30_000);
  t.is(durationMs('5m'), 300_000);
  t.is(durationMs('2h'), 7_200_000);
});

test('exactly what the schema admits is read', (t) => {
  const text = fc.oneof(fc.string(), fc.stringMatching(/^\d{0,3}[a-z.\n -]{0,2}$/));
  fc.assert(
    fc.property(text, (given) => {
      if (durationText.safeParse(given).success) t.true(durationMs(given) >= 0, given);
      else t.throws(() => durationMs(given), { instanceOf: TypeError });
    }),
  );
});

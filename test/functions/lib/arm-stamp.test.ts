import test from 'ava';
import fc from 'fast-check';
import { dnsLabel } from '../../../knative/resources/meta-schemas.ts';
import { formatArmStamp, parseArmStamp, standingRun } from '../../../functions/lib/arm-stamp.ts';

const label = fc
  .stringMatching(/^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/)
  .filter((text) => dnsLabel.safeParse(text).success);

test('every stamp that Clover writes is read back', (t) => {
  const stamp = fc.record({
    run: fc.oneof(label, fc.constant(standingRun)),
    epoch: fc.integer({ min: 0, max: 999_999_999 }),
    arm: label,
  });
  fc.assert(
    fc.property(stamp, (given) => {
      t.deepEqual(parseArmStamp(formatArmStamp(given)), given);
    }),
  );
});

test('what is not a stamp is none', (t) => {
  const texts = ['', '-.1.', '.1.v1', 'run.1', 'run.x.v1', 'run.-1.v1', 'run.1.v1.v2', 'RUN.1.v1'];
  for (const text of [...texts, ' run.1.v1', 'run.1.v1\n', `${'r'.repeat(64)}.1.v1`]) {
    t.is(parseArmStamp(text), undefined, JSON.stringify(text));
  }
});

import test from 'ava';
import fc from 'fast-check';
import { overlaps, planCount, planOf } from './plan.ts';

const index = fc.integer({ min: 0, max: planCount - 1 });

test('the ranges of a plan lie in its block, and not in each other', (t) => {
  fc.assert(
    fc.property(index, (chosen) => {
      const { block, pods, services, host, node } = planOf(chosen);
      const parts = [pods, services, host, node];
      t.true(parts.every((part) => overlaps(part, block)));
      for (const [at, part] of parts.entries()) {
        t.false(parts.slice(at + 1).some((other) => overlaps(part, other)));
      }
    }),
  );
});

test('two plans have no address and no name in common', (t) => {
  fc.assert(
    fc.property(index, index, (one, other) => {
      const [a, b] = [planOf(one), planOf(other)];
      t.is(overlaps(a.block, b.block), one === other);
      t.is(a.link === b.link, one === other);
      t.true(a.link.length <= 15, 'IFNAMSIZ less its end');
    }),
  );
});

test('ranges overlap as their addresses do', (t) => {
  t.true(overlaps('10.0.0.0/8', '10.200.3.4'));
  t.true(overlaps('10.200.3.4', '10.0.0.0/8'));
  t.true(overlaps('10.1.2.3/24', '10.1.2.255'), 'an address inside names its range, too');
  t.false(overlaps('10.1.2.0/24', '10.1.3.0/24'));
  t.true(overlaps('255.255.255.0/24', '255.255.255.255'));
  t.true(overlaps('0.0.0.0/0', '192.0.2.1'));
});

import test from 'ava';
import fc from 'fast-check';
import {
  byPolicyAge,
  policyKey,
  targetHolder,
  targetKey,
} from '../../../functions/lib/policy-age.ts';
import { createdAfter, policyOf } from '../policy/examples.ts';

const policy = fc
  .record({
    name: fc.constantFrom('a', 'b', 'c'),
    namespace: fc.constantFrom('one', 'two'),
    age: fc.nat(2),
    port: fc.constantFrom(80, 81),
  })
  .map(({ name, namespace, age, port }) =>
    policyOf(
      { target: { host: '*', port } },
      { name, namespace, creationTimestamp: createdAfter(age) },
    ),
  );
const policies = fc.uniqueArray(policy, { selector: policyKey });

test('of policies with one target exactly the oldest has no holder above it, and it holds the others', (t) => {
  fc.assert(
    fc.property(policies, (all) => {
      for (const group of Map.groupBy(all, targetKey).values()) {
        const [oldest, ...younger] = group.toSorted(byPolicyAge);
        if (oldest === undefined) continue;
        t.is(targetHolder(oldest, all), undefined);
        for (const each of younger) t.is(targetHolder(each, all), oldest);
      }
    }),
  );
});

test('policies of one second are in the order of their names', (t) => {
  const names = ['one/b', 'two/a', 'one/a'].map((key) => {
    const [namespace = '', name = ''] = key.split('/');
    return policyOf({}, { namespace, name });
  });
  t.deepEqual(names.toSorted(byPolicyAge).map(policyKey), ['one/a', 'one/b', 'two/a']);
});

import test from 'ava';
import fc from 'fast-check';
import { knativeFilter } from '../../../knative/render/filter.ts';
import type { TriggerFilter } from '../../../knative/filters.ts';

const attributes = fc.dictionary(fc.stringMatching(/^[a-z][a-z0-9]{0,8}$/), fc.string());

const { filter } = fc.letrec<{ filter: TriggerFilter }>((tie) => ({
  filter: fc.oneof(
    { maxDepth: 4 },
    fc.record({ exact: attributes }),
    fc.record({ prefix: attributes }),
    fc.record({ suffix: attributes }),
    fc.record({ cesql: fc.string() }),
    fc.record({ all: fc.array(tie('filter'), { maxLength: 3 }) }),
    fc.record({ any: fc.array(tie('filter'), { maxLength: 3 }) }),
    fc.record({ not: tie('filter') }),
  ),
}));

test('a filter is the same for Knative, and a copy', (t) => {
  fc.assert(
    fc.property(filter, (original) => {
      const copy = knativeFilter(original);
      t.deepEqual(copy, { ...original });
      t.not(copy, original);
    }),
  );
});

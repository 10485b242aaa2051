import test from 'ava';
import fc from 'fast-check';
import { isList, isRecord } from '../../../functions/lib/plain-value.ts';

test('a value of JSON is a list, a record, or a scalar', (t) => {
  fc.assert(
    fc.property(fc.jsonValue(), (value) => {
      const isScalar = value === null || typeof value !== 'object';
      t.is([isList(value), isRecord(value), isScalar].filter(Boolean).length, 1);
    }),
  );
});

test('null is no record', (t) => {
  t.false(isRecord(null));
});

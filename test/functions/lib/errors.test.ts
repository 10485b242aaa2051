import test from 'ava';
import fc from 'fast-check';
import { CloverError } from '../../../functions/lib/errors.ts';

test('an error carries its code, the status of the code, its cause and its details', (t) => {
  const cause = new Error('disk full');
  const details = [{ field: 'spec.rules[0]', message: 'can never match' }];
  const error = new CloverError('CLV_RESOURCE_INVALID', 'no', { cause, details, retryAfter: 2 });
  t.true(error instanceof Error);
  t.is(error.name, 'CloverError');
  t.is(error.status, 422);
  t.is(error.cause, cause);
  t.deepEqual(error.details, details);
  t.is(error.retryAfter, 2);
});

test('without options there are no details and no time to retry', (t) => {
  const { details, retryAfter, cause } = new CloverError('CLV_INTERNAL', 'no');
  t.deepEqual(
    { details, retryAfter, cause },
    { details: [], retryAfter: undefined, cause: undefined },
  );
});

const of = (retryAfter: number) => new CloverError('CLV_OVERLOADED', 'no', { retryAfter });

test('a time to retry is whole seconds of at most a day, whatever was computed', (t) => {
  t.is(of(-5).retryAfter, 0);
  t.is(of(Infinity).retryAfter, 86_400);
  t.is(of(0.2).retryAfter, 1);
  t.is(of(NaN).retryAfter, undefined);
  fc.assert(
    fc.property(fc.double({ noNaN: true }), (seconds) => {
      t.regex(String(of(seconds).retryAfter), /^\d{1,5}$/);
    }),
  );
});

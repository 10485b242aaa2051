import test from 'ava';
import { coalesce } from '../../../functions/policy/coalesce.ts';

test('calls during a run share the one run after it, with their requests merged', async (t) => {
  const gate = Promise.withResolvers<void>();
  const served: string[] = [];
  const call = coalesce(
    async (request: string) => {
      served.push(request);
      if (request === 'first') await gate.promise;
    },
    (left, right) => `${left}+${right}`,
  );
  const first = call('first');
  await new Promise(setImmediate);
  const rest = [call('a'), call('b'), call('c')];
  gate.resolve();
  await Promise.all([first, ...rest]);
  t.deepEqual(served, ['first', 'a+b+c']);
});

test('a run that fails rejects its own callers only', async (t) => {
  let runs = 0;
  const call = coalesce(
    async (_request: number) => {
      runs += 1;
      if (runs === 1) throw new Error('once');
    },
    (left) => left,
  );
  const first = call(1);
  await new Promise(setImmediate);
  const second = call(2);
  await t.throwsAsync(first, { message: 'once' });
  await t.notThrowsAsync(second);
  t.is(runs, 2);
});

import test from 'ava';
import { createEnds } from './ends.ts';

test('what was added last is done first, and once; what comes too late is done at once', async (t) => {
  const done: string[] = [];
  const ends = createEnds();
  await ends.add(() => done.push('first'));
  await ends.add(() => done.push('second'));
  t.deepEqual(done, []);
  await ends.come();
  t.deepEqual(done, ['second', 'first']);
  await ends.add(() => done.push('late'));
  await ends.come();
  t.deepEqual(done, ['second', 'first', 'late']);
});

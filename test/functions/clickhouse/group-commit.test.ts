import test from 'ava';
import fc from 'fast-check';
import { createGroupCommit } from '../../../functions/clickhouse/group-commit.ts';

test('what is given while a write is under way goes with the next one, in order, and no write is too large', async (t) => {
  await fc.assert(
    fc.asyncProperty(
      fc.scheduler(),
      fc.integer({ min: 1, max: 5 }),
      fc.array(fc.nat(9), { maxLength: 30 }),
      async (scheduler, most, items) => {
        const writes: (readonly number[])[] = [];
        let under = 0;
        const commit = createGroupCommit<number>(async (batch) => {
          under += 1;
          writes.push(batch);
          await scheduler.schedule(Promise.resolve());
          under -= 1;
          if (under > 0) throw new Error('two writes at a time');
          if (batch.includes(9)) throw new Error('refused');
        }, most);
        const given = items.map(async (item) => commit(item));
        const [outcomes] = await Promise.all([Promise.allSettled(given), scheduler.waitIdle()]);
        t.deepEqual(writes.flat(), items);
        t.true(writes.every((batch) => batch.length <= most));
        const refused = writes.flatMap((batch) => batch.map(() => batch.includes(9)));
        t.deepEqual(
          outcomes.map(({ status }) => status === 'rejected'),
          refused,
        );
      },
    ),
  );
});

import { cellOf } from '../evaluate/helpers/cells.ts';
import { reportOf, type Declare, type OpenEvidence } from './harness.ts';

/**
 * What every EvidenceStore has to do with looks.
 * @param numRuns races of one number.
 */
export function lookSuite(test: Declare, suite: string, open: OpenEvidence, numRuns: number): void {
  test(`${suite}: looks are appended once per number, and stay with the evidence for whoever opens it next`, async (t) => {
    const { store, another } = await open(t);
    t.is(await store.lastLook('r'), undefined);
    const look = { run: 'r', number: 1, previous: '0', hash: 'a', body: '{}' };
    t.true(await store.appendLook(look));
    t.false(await store.appendLook({ ...look, hash: 'b' }));
    t.false(await store.appendLook(look), 'not even the same one');
    t.true(await store.appendLook({ ...look, number: 2, previous: 'a', hash: 'c' }));
    t.true(await store.appendLook({ ...look, run: 's' }));
    await store.merge('/nodes/a/1', reportOf(1, 100, [cellOf({ started: 3 })]), 1);
    await store.close();

    const again = await another();
    t.deepEqual(
      (await again.looks('r')).map(({ hash }) => hash),
      ['a', 'c'],
    );
    t.deepEqual(await again.lastLook('r'), { ...look, number: 2, previous: 'a', hash: 'c' });
    t.is((await again.cells('r'))[0]?.started, 3);
  });

  test(`${suite}: of those who append the same number at the same time exactly one wins, and all read that one`, async (t) => {
    const { store, another } = await open(t);
    const stores = [store, await another(), await another()];
    for (let number = 1; number <= numRuns; number += 1) {
      const looks = Array.from({ length: 9 }, (_, who) => ({
        run: 'r',
        number,
        previous: 'p',
        hash: `${number}/${who}`,
        body: '{}',
      }));
      const won = await Promise.all(
        looks.map(async (look, who) => stores[who % stores.length]?.appendLook(look)),
      );
      t.is(won.filter((each) => each === true).length, 1);
      const winner = looks[won.indexOf(true)];
      for (const each of stores) t.is((await each.lastLook('r'))?.hash, winner?.hash);
    }
    t.is((await store.looks('r')).length, numRuns);
  });
}

import test from 'ava';
import fc from 'fast-check';
import { createInOrder, type InOrder, type TimedLine } from '../../../cloverctl/trace/in-order.ts';

async function all(lines: AsyncIterable<string, void, void>): Promise<string[]> {
  const out: string[] = [];
  for await (const line of lines) out.push(line);
  return out;
}

/** Adds lines in groups, with the time before which nothing comes any more behind each. */
async function through(
  order: InOrder,
  groups: readonly (readonly TimedLine[])[],
): Promise<string[]> {
  const out: string[] = [];
  try {
    for (const [index, group] of groups.entries()) {
      for (const line of group) order.add(line);
      const later = groups.slice(index + 1).flat();
      const mark = later.reduce((least, { ns }) => (ns < least ? ns : least), 1n << 64n);
      out.push(...(await all(order.before(mark))));
    }
    out.push(...(await all(order.rest())));
    return out;
  } finally {
    await order.close();
  }
}

test('lines come out by time, of equal times as they came, whatever the disk has to hold', async (t) => {
  const time = fc.bigInt({ min: 0n, max: 40n });
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.array(time, { maxLength: 12 }), { maxLength: 8 }),
      fc.integer({ min: 0, max: 5 }),
      async (times, limit) => {
        let serial = 0;
        const groups = times.map((group) =>
          group.map((ns) => ({ ns, line: `${ns}\t${(serial += 1)} "…"` })),
        );
        const sorted = groups
          .flat()
          .toSorted((a, b) => Number(a.ns - b.ns))
          .map(({ line }) => line);
        t.deepEqual(await through(createInOrder(limit), groups), sorted);
      },
    ),
    { numRuns: 150 },
  );
});

test('a line goes out as soon as nothing can come before it', async (t) => {
  const order = createInOrder();
  for (const ns of [30n, 10n, 20n]) order.add({ ns, line: String(ns) });
  t.deepEqual(await all(order.before(20n)), ['10']);
  t.deepEqual(await all(order.before(20n)), []);
  t.deepEqual(await all(order.rest()), ['20', '30']);
  await order.close();
});

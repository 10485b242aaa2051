import test from 'ava';
import fc from 'fast-check';
import { Slots } from '../../../functions/lib/slots.ts';

test('holds what was added and not taken out, each once, in no more places than were ever needed at a time', (t) => {
  const steps = fc.array(fc.oneof(fc.constant('add' as const), fc.nat({ max: 20 })));
  fc.assert(
    fc.property(steps, (all) => {
      const slots = new Slots<{ readonly n: number }>();
      const model = new Map<number, { readonly n: number }>();
      let most = 0;
      for (const [n, step] of all.entries()) {
        if (step === 'add') {
          const item = { n };
          const place = slots.add(item);
          t.false(model.has(place));
          model.set(place, item);
          most = Math.max(most, model.size);
          t.true(place < most);
        } else {
          t.is(slots.take(step), model.get(step));
          model.delete(step);
        }
        t.is(slots.size, model.size);
        t.deepEqual(
          [...slots].map(({ n: id }) => id).sort(byValue),
          [...model.values()].map(({ n: id }) => id).sort(byValue),
        );
      }
    }),
  );
});

const byValue = (a: number, b: number): number => a - b;

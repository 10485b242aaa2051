import test from 'ava';
import fc from 'fast-check';
import {
  announcedOf,
  difference,
  isAnnounced,
  markOf,
  placeOf,
  type Announcement,
  type Reference,
} from '../../../functions/host/announced.ts';

const reference = fc.record({
  kind: fc.constantFrom('Tap', 'Experiment'),
  namespace: fc.constantFrom('one', 'two'),
  name: fc.constantFrom('a', 'b', 'c'),
  uid: fc.constantFrom('u1', 'u2'),
  resourceVersion: fc.constantFrom('1', '2', '3'),
});
const objects = fc.uniqueArray(reference, { selector: placeOf });
const tableOf = (all: readonly Reference[]): Map<string, Reference> =>
  new Map(all.map((object) => [placeOf(object), object]));

/** The table after the marks of these announcements were stored. */
function after(before: readonly Reference[], announcements: readonly Announcement[]) {
  const marks = new Map(
    before.map((object) => markOf({ type: 'ADDED', object })).map((mark) => [mark.key, mark]),
  );
  for (const mark of announcements.map(markOf)) {
    if (mark.value === undefined) marks.delete(mark.key);
    else marks.set(mark.key, mark);
  }
  return announcedOf([...marks.values()]);
}

const sorted = (table: ReadonlyMap<string, Reference>): Reference[] =>
  [...table.values()].toSorted((a, b) => (placeOf(a) < placeOf(b) ? -1 : 1));

test('the difference, once it is announced, leaves the table equal to what there is', (t) => {
  fc.assert(
    fc.property(objects, objects, (before, present) => {
      const announcements = difference(tableOf(before), present);
      const table = after(before, announcements);
      t.deepEqual(sorted(table), sorted(tableOf(present)));
      t.deepEqual(difference(table, present), []);
    }),
  );
});

test('cut off anywhere, the difference goes on with what is left of it', (t) => {
  fc.assert(
    fc.property(objects, objects, fc.nat(12), (before, present, cut) => {
      const announcements = difference(tableOf(before), present);
      const table = after(before, announcements.slice(0, cut));
      t.deepEqual(difference(table, present), announcements.slice(cut));
    }),
  );
});

test('every deletion is announced once, of an object that consumers know', (t) => {
  fc.assert(
    fc.property(objects, objects, (before, present) => {
      const uids = new Map(present.map((object) => [placeOf(object), object.uid]));
      const gone = before.filter((object) => uids.get(placeOf(object)) !== object.uid);
      const deleted = difference(tableOf(before), present).filter(({ type }) => type === 'DELETED');
      t.deepEqual(
        deleted.map(({ object }) => object),
        gone,
      );
    }),
  );
});

test('a watch that begins before the comparison announces nothing twice', (t) => {
  const object = { kind: 'Tap', namespace: 'n', name: 'a', uid: 'u', resourceVersion: '7' };
  const table = tableOf([object]);
  t.true(isAnnounced(table, { type: 'MODIFIED', object }));
  t.false(isAnnounced(table, { type: 'MODIFIED', object: { ...object, resourceVersion: '8' } }));
  t.false(isAnnounced(table, { type: 'DELETED', object: { ...object, resourceVersion: '9' } }));
  t.true(isAnnounced(table, { type: 'DELETED', object: { ...object, uid: 'before' } }));
  t.true(isAnnounced(new Map(), { type: 'DELETED', object }));
});

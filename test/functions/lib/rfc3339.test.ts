import test from 'ava';
import fc from 'fast-check';
import { isRfc3339, toRfc3339, toUnixMs } from '../../../functions/lib/rfc3339.ts';

test('RFC 3339 times are told from others', (t) => {
  for (const good of [
    '2026-11-25T02:00:00Z',
    '1990-12-31T23:59:60Z',
    '2024-02-29t00:00:00.123456789z',
    '1937-01-01T12:00:27.87+00:20',
    '0000-01-01T00:00:00-00:00',
    '0000-02-29T23:59:60Z',
  ]) {
    t.true(isRfc3339(good), good);
  }
  for (const bad of [
    '',
    '2026-11-25',
    '2026-11-25T24:00:00Z',
    '2026-13-01T00:00:00Z',
    '2026-00-01T00:00:00Z',
    '2026-01-00T00:00:00Z',
    '2026-11-25T02:00:00',
    '2026-11-25T02:00:00.Z',
    '2026-11-25T02:00:00+0100',
    '+002026-11-25T02:00:00Z',
    '2023-02-29T00:00:00Z',
    '1900-02-29T00:00:00Z',
    '2026-11-25T02:00:00Z\n',
    '２026-11-25T02:00:00Z',
  ]) {
    t.false(isRfc3339(bad), bad);
  }
});

const instant = fc.date({
  min: new Date('0001-01-02T00:00:00Z'),
  max: new Date('9999-12-30T00:00:00Z'),
  noInvalidDate: true,
});
const offset = fc.integer({ min: -(23 * 60 + 59), max: 23 * 60 + 59 });

const pad = (value: number): string => String(value).padStart(2, '0');

/** The instant as clocks show it that are so many minutes ahead of UTC. */
function written(at: Date, minutes: number): string {
  const local = new Date(at.getTime() + minutes * 60_000).toISOString().slice(0, -1);
  const size = Math.abs(minutes);
  return `${local}${minutes < 0 ? '-' : '+'}${pad(Math.floor(size / 60))}:${pad(size % 60)}`;
}

test('every instant is a time at every offset, and none with a part of it away', (t) => {
  fc.assert(
    fc.property(instant, offset, fc.nat(), (at, minutes, place) => {
      const text = written(at, minutes);
      t.true(isRfc3339(text), text);
      const gone = place % text.length;
      const cut = text.slice(0, gone) + text.slice(gone + 1);
      // One digit less of the fraction is another time.
      if (!/\.\d{2}[+-]/.test(cut)) t.false(isRfc3339(cut), cut);
    }),
  );
});

test('second 60 is where UTC ends a month, at every offset', (t) => {
  fc.assert(
    fc.property(instant, offset, (at, minutes) => {
      const end = new Date(Date.UTC(at.getUTCFullYear(), at.getUTCMonth(), 1) - 1_000);
      end.setUTCFullYear(at.getUTCFullYear(), at.getUTCMonth(), 0);
      const leap = (when: Date): string => written(when, minutes).replace(/:\d\d\.\d+/, ':60');
      t.true(isRfc3339(leap(end)), leap(end));
      const other = new Date(end.getTime() - 60_000);
      t.false(isRfc3339(leap(other)), leap(other));
    }),
  );
});

test('a time that a resource keeps is the same instant again, and what is none is told', (t) => {
  fc.assert(
    fc.property(instant, offset, (at, minutes) => {
      const text = toRfc3339(at.getTime());
      t.regex(text, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
      t.is(toUnixMs(text), at.getTime());
      t.is(toUnixMs(written(at, minutes)), at.getTime());
    }),
  );
  t.is(toUnixMs(undefined), undefined);
  for (const none of ['', 'yesterday', '2026-13-01T00:00:00Z']) {
    t.throws(() => toUnixMs(none), { instanceOf: TypeError, message: `not a time: ${none}` });
  }
});

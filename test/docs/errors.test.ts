import test from 'ava';
import { errorCatalogue, type ErrorEntry } from '../../functions/lib/error-catalogue.ts';

const entries: [string, ErrorEntry][] = Object.entries(errorCatalogue);

test('codes are in alphabetical order and of one form', (t) => {
  const codes = entries.map(([code]) => code);
  t.deepEqual(codes, codes.toSorted());
  for (const code of codes) t.regex(code, /^CLV(_[A-Z]+)+$/);
});

test('every code has a status, a meaning and a way out, in sentences', (t) => {
  for (const [code, { status, meaning, fix }] of entries) {
    t.true(status >= 400 && status < 600, code);
    t.regex(meaning, /^[A-Z].{15,}\.$/, code);
    t.regex(fix, /^[A-Z].{10,}\.$/, code);
  }
});

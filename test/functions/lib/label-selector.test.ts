import test from 'ava';
import fc from 'fast-check';
import { parseLabelSelector } from '../../../functions/lib/label-selector.ts';

const labels = { app: 'web', tier: 'a', empty: '', 'clover.dev/rank': '7' };

test('requirements hold as Kubernetes says', (t) => {
  for (const text of [
    '',
    ' ',
    'app',
    '!old',
    'app=web',
    'app==web',
    ' app = web , tier != b ',
    'old!=x',
    'tier in (a, b)',
    'tier in(b,a),app',
    'tier notin (b)',
    'old notin (b)',
    'empty=',
    'empty',
    'empty in (,x)',
    'clover.dev/rank>6',
    'clover.dev/rank < 8',
    'app in (web),!old,tier!=c',
  ]) {
    t.true(parseLabelSelector(text)(labels), text);
  }
  for (const text of [
    'old',
    '!app',
    'app=web2',
    'app!=web',
    'tier in (b,c)',
    'tier notin (a)',
    'clover.dev/rank>7',
    'app>1',
    'old<9',
    'app=web,old',
    'constructor',
    'old!=x,toString',
  ]) {
    t.false(parseLabelSelector(text)(labels), text);
  }
  t.true(parseLabelSelector('!app')(undefined));
});

test('what is no selector is refused with the place', (t) => {
  for (const [text, place] of [
    ['app=web,', 9],
    [',', 1],
    ['app=web=x', 1],
    ['app in', 1],
    ['app in ()', 1],
    ['app in (a', 1],
    ['a=b,!', 5],
    ['a b', 1],
    ['__proto__', 1],
    ['-a=b', 1],
    ['a=b_', 1],
    ['a=é', 1],
    [`${'a'.repeat(64)}=b`, 1],
    [`a=${'b'.repeat(64)}`, 1],
    ['a>b', 1],
  ] as const) {
    const error = t.throws(() => parseLabelSelector(text), { code: 'CLV_ARGUMENT_INVALID' }, text);
    t.regex(error?.message ?? '', new RegExp(`at character ${place} `), text);
  }
});

test('any text is read or refused', (t) => {
  const part = fc.constantFrom(
    'a',
    'b1',
    '=',
    '!=',
    '!',
    ',',
    ' in ',
    '(',
    ')',
    ' ',
    '/',
    '.',
    '-',
  );
  fc.assert(
    fc.property(fc.array(part, { maxLength: 200 }), (parts) => {
      try {
        parseLabelSelector(parts.join(''))(labels);
      } catch (error) {
        t.like(error, { code: 'CLV_ARGUMENT_INVALID' });
      }
    }),
    { numRuns: 2_000 },
  );
});

test('a text is looked at once, however its blanks and commas may be shared out', (t) => {
  // What tries every way, or every pair of places, would not end before the time limit of this test.
  for (const text of ['a in (', 'a notin (b', 'a=', 'a==', 'a', '!', 'a>', '']) {
    for (const part of [' ', ', ', 'a,', 'a ,', ' a', 'a', '=', '/', 'a/', '-', ')']) {
      t.throws(() => parseLabelSelector(`${text}${part.repeat(300_000 / part.length)}?`), {
        code: 'CLV_ARGUMENT_INVALID',
      });
    }
  }
});

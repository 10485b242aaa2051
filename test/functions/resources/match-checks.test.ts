import test from 'ava';
import fc from 'fast-check';
import type { RequestMatch, TextMatch } from '../../../knative/resources/traffic-policy.ts';
import { lint } from '../../../functions/resources/lint.ts';
import { re2Problem } from '../../../functions/resources/re2.ts';
import { Budget } from '../../../functions/resources/budget.ts';
import { hiders, subsumes } from '../../../functions/resources/subsume.ts';

test('RE2 expressions of every form are taken', (t) => {
  const good = [
    '.*',
    '^/a/[^/]+$',
    '(?i)abc',
    '(?P<id>\\d+)',
    '(?<id>x)',
    '(?:a|b)*?',
    '[[:alpha:]_-]',
    '\\pL+',
    '\\p{Greek}',
    '\\Q(.*\\E',
    '\\A\\z\\b',
    'a{2,5}',
    'a{',
    '[]a]',
    '[^]]',
    'x|',
    '\\x{FF}',
    '(?s:.)',
    'a??',
    '()',
    '\\/v1\\.0',
    '[a-z0-9.]',
    '\\12',
    'a\\ b',
    '[\u{1f600}-\u{1f601}]',
    '[[:^alpha:][:word:]-]',
    '[[:a]',
    '[[:alpha:][:a]',
    '[a-f]{500}',
  ];
  for (const text of good) t.is(re2Problem(text), undefined, text);
});

test('what RE2 does not take is refused with the reason', (t) => {
  const bad: readonly [string, RegExp][] = [
    ['a(?=b)', /look-around/],
    ['a(?!b)', /look-around/],
    ['(?<=a)b', /look-around/],
    ['(?<!a)b', /look-around/],
    ['(a)\\1', /back-reference/],
    ['(?<x>a)\\k<x>', /back-reference/],
    ['(a', /without its "\)"/],
    ['a)', /without its "\("/],
    ['[a', /without its "\]"/],
    ['*a', /repeats nothing/],
    ['a**', /repeats nothing/],
    ['a++', /repeats nothing/],
    ['(?>a)', /unknown group/],
    ['a{1001}', /1000/],
    ['a{5,2}', /wrong way/],
    ['[z-a]', /wrong way/],
    ['\\y', /unknown escape/],
    ['a\\', /unknown escape/],
    ['\\p{Foo}', /unknown Unicode class/],
    ['\\pX', /unknown Unicode class/],
    ['((a{100}){100}){100}', /multiplied/],
    ['(?i)*', /repeats nothing/],
    ['\\Q\\E*', /repeats nothing/],
    ['[\\b]', /unknown escape/],
    ['[\\Qa\\E]', /unknown escape/],
    ['[a-\\d]', /unknown escape/],
    ['[\\x41-\\x20]', /wrong way/],
    ['[\\n-\\t]', /wrong way/],
    ['[[:foo:]]', /unknown class/],
    ['\\x{100}', /more than a byte/],
    ['\\\u00e9', /unknown escape/],
    ['a\ud800', /half a character/],
    ['(?:[a-f0-9]{9}x){100}', /too large/],
  ];
  for (const [text, reason] of bad) t.regex(re2Problem(text) ?? 'taken', reason, text);
});

test('a wider match takes a narrower one', (t) => {
  const yes: readonly [RequestMatch, RequestMatch][] = [
    [{ path: { prefix: '/a' } }, { path: { prefix: '/a/b' }, method: 'GET' }],
    [{ path: { prefix: '/a' } }, { path: { regex: '/a/[0-9]+' } }],
    [{ path: { regex: '/a/.*' } }, { path: { prefix: '/a/' } }],
    [{ path: { regex: '/a/[0-9]+' } }, { path: { exact: '/a/7' } }],
    [{ method: 'GET' }, { method: 'GET', headers: [{ name: 'x', value: { exact: '1' } }] }],
    [
      { headers: [{ name: 'x', value: { prefix: 'a' } }] },
      { headers: [{ name: 'x', value: { exact: 'ab' } }], path: { exact: '/' } },
    ],
  ];
  for (const [wide, narrow] of yes) t.true(subsumes(wide, narrow), JSON.stringify([wide, narrow]));
  const no: readonly [RequestMatch, RequestMatch][] = [
    [{ path: { prefix: '/a/b' } }, { path: { prefix: '/a' } }],
    [{ path: { prefix: '/a' } }, { path: { regex: '/a|/b' } }],
    [{ path: { prefix: '/ab' } }, { path: { regex: '/ab*' } }],
    [{ method: 'GET' }, { path: { exact: '/' } }],
    [{ method: 'GET' }, { method: 'POST' }],
    [{ path: { exact: '/a' }, method: 'GET' }, { path: { exact: '/a' } }],
  ];
  for (const [wide, narrow] of no) t.false(subsumes(wide, narrow), JSON.stringify([wide, narrow]));
});

test('matches of several earlier rules may hide a rule together', (t) => {
  const split = [{ version: 'v1', weight: 1 }];
  const rules = [
    { match: [{ path: { prefix: '/a' } }], split },
    { match: [{ path: { prefix: '/b' } }], split },
    { match: [{ path: { exact: '/a/1' } }, { path: { exact: '/b/1' } }], split },
    { match: [{ path: { exact: '/a/1' } }, { path: { exact: '/c' } }], split },
  ];
  t.deepEqual(hiders(rules), [undefined, undefined, 1, undefined]);
});

test('a policy with more to compare than its steps is not called hidden', (t) => {
  const split = [{ version: 'v1', weight: 1 }];
  const path = { exact: `/${'a'.repeat(250)}` };
  const rules = [
    { match: [{ path: { regex: '/a*a*a*b?' } }], split },
    { match: [{ path }], split },
    { match: [{ path }], split },
  ];
  t.deepEqual(hiders(rules), [undefined, 0, 0]);
  t.deepEqual(hiders(rules, new Budget(1_100)), [undefined, 0, undefined]);
});

test('near misses are told of the first unknown versions only, and of each as often as it comes', (t) => {
  const versions = [{ name: 'version-1', endpoints: [{ address: '10.0.0.1', port: 80 }] }];
  versions.push({ name: 'other', endpoints: [{ address: '10.0.0.2', port: 80 }] });
  const rules = Array.from({ length: 40 }, (_rule, index) => ({
    split: [{ version: `version-${10 + (index % 20)}`, weight: 1 }],
    match: [{ path: { exact: `/${index}` } }],
  }));
  const spec = { target: { host: 'shop', port: 8080 }, versions, rules };
  const guesses = lint('TrafficPolicy', spec).map(({ message }) =>
    message.includes('did you mean'),
  );
  t.deepEqual(
    guesses,
    Array.from({ length: 40 }, (_rule, index) => index % 20 < 16),
  );
});

const header = (name: string, regex: string) => ({ name, value: { regex } });

test('the largest policy of headers is looked through in a bounded number of steps', (t) => {
  const split = [{ version: 'v1', weight: 1 }];
  const rules = Array.from({ length: 64 }, (_rule, rule) => ({
    match: Array.from({ length: 16 }, (_match, match) => ({
      headers: [
        ...Array.from({ length: 15 }, (_header, index) => header(`h${index}`, 'x.*')),
        header('h15', `${rule}-${match}`),
      ],
    })),
    split,
  }));
  const first = rules[0]?.match[0];
  const budget = new Budget(1_000_000);
  const hidden = hiders([...rules, { match: first === undefined ? [] : [first], split }], budget);
  t.deepEqual([...new Set(hidden)], [undefined]);
  t.false(budget.spend(1));
});

const text: fc.Arbitrary<string> = fc.string({
  unit: fc.constantFrom('a', 'b', '/', '1'),
  minLength: 1,
  maxLength: 4,
});
const textMatch: fc.Arbitrary<TextMatch> = fc.oneof(
  text.map((exact) => ({ exact })),
  text.map((prefix) => ({ prefix })),
  fc
    .array(fc.constantFrom('a', 'b', '/', '1', '.*', 'a?', '[ab]', 'b+', '|', '\\d'), {
      minLength: 1,
      maxLength: 4,
    })
    .map((parts) => ({ regex: parts.join('') })),
);

function fits(match: TextMatch, value: string): boolean {
  if (match.exact !== undefined) return match.exact === value;
  if (match.prefix !== undefined) return value.startsWith(match.prefix);
  return new RegExp(`^(?:${match.regex ?? ''})$`).test(value);
}

test('subsumption is sound: nothing that fits the narrow match misses the wide one', (t) => {
  fc.assert(
    fc.property(
      textMatch,
      textMatch,
      fc.array(text, { maxLength: 20 }),
      (wide, narrow, samples) => {
        if (!subsumes({ path: wide }, { path: narrow })) return;
        const candidates = [
          ...samples,
          narrow.exact ?? '',
          narrow.prefix ?? '',
          `${narrow.prefix ?? ''}a`,
        ];
        for (const value of candidates) {
          if (fits(narrow, value))
            t.true(fits(wide, value), JSON.stringify({ wide, narrow, value }));
        }
      },
    ),
    { numRuns: 3_000 },
  );
  t.pass();
});

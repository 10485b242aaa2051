import test from 'ava';
import fc from 'fast-check';
import { compileLike, matchesLike } from '../../../../functions/lib/cesql/like.ts';

const like = (text: string, pattern: string): boolean => matchesLike(compileLike(pattern), text);

/** By the definition, trying every length for every `%`. */
function naive(text: readonly string[], pattern: readonly string[]): boolean {
  const [first, ...rest] = pattern;
  if (first === undefined) return text.length === 0;
  if (first === '%') {
    return naive(text, rest) || (text.length > 0 && naive(text.slice(1), pattern));
  }
  const literal = first.length > 1 && first.startsWith('\\') ? first.slice(1) : first;
  const fits = first === '_' ? text.length > 0 : text[0] === literal;
  return fits && naive(text.slice(1), rest);
}

const characters = (letters: readonly string[], maxLength: number) =>
  fc.string({ unit: fc.constantFrom(...letters), maxLength });

test('LIKE agrees with its definition', (t) => {
  let matched = 0;
  fc.assert(
    fc.property(
      characters(['a', 'b', '😀', '%', '_', '\\'], 9),
      fc.oneof(characters(['a', 'b', '%', '_', '\\', '😀'], 7), characters(['a', '%', '_'], 7)),
      (text, pattern) => {
        const tokens = pattern.match(/\\[%_]|[^]/gu) ?? [];
        const expected = naive(Array.from(text), tokens);
        if (expected) matched += 1;
        return like(text, pattern) === expected;
      },
    ),
    { numRuns: 5_000 },
  );
  t.true(matched > 200, `only ${matched} texts matched`);
});

test('a character is a code point', (t) => {
  t.true(like('😀', '_'));
  t.false(like('😀', '__'));
  t.true(like('e\u0301', '__'));
});

test('only the wildcards can be escaped', (t) => {
  t.true(like(String.raw`a\b`, String.raw`a\b`));
  t.true(like(String.raw`\%`, String.raw`\\%`), 'a backslash, then an escaped wildcard');
  t.false(like(String.raw`\x`, String.raw`\\%`));
  t.true(like('\\', '\\'));
});

test('line breaks are characters like others', (t) => {
  t.true(like('a\nb', 'a%b'));
  t.true(like('a\nb', 'a_b'));
});

test('patterns that make a backtracking matcher hang are answered', (t) => {
  const text = 'a'.repeat(20_000);
  t.false(like(text, `${'%a'.repeat(2_000)}%b%`));
  t.false(like(text, `%${'a_'.repeat(2_000)}b%`));
  t.true(like(text, `%${'a_'.repeat(2_000)}%`));
});

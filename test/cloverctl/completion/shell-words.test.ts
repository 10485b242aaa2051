import test from 'ava';
import fc from 'fast-check';
import { shellWords } from '../../../cloverctl/completion/shell-words.ts';

test('quotes, backslashes and white space count as in a shell', (t) => {
  for (const [line, words] of [
    ['', ['']],
    ['cloverctl ', ['cloverctl', '']],
    ['cloverctl  get\tta', ['cloverctl', 'get', 'ta']],
    [`a 'b c'd "e \\"f\\" \\g" h\\ i`, ['a', 'b cd', 'e "f" \\g', 'h i']],
    [`a 'still open`, ['a', 'still open']],
    [`a ''`, ['a', '']],
    ['a\\', ['a']],
  ] as const) {
    t.deepEqual(shellWords(line), [...words], line);
  }
});

test('words that were quoted are read again as they were', (t) => {
  fc.assert(
    fc.property(fc.array(fc.string({ unit: 'binary' }), { minLength: 1 }), (words) => {
      const line = words.map((word) => `'${word.replaceAll("'", `'\\''`)}'`).join(' ');
      t.deepEqual(shellWords(line), words);
    }),
  );
});

import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import fc from 'fast-check';
import { unifiedDiff } from '../../../cloverctl/output/unified-diff.ts';
import { temporaryFolder } from '../../functions/host/helpers.ts';

/** What a diff makes of the old text, taking each old line and its place by its word. */
function patched(before: string, diff: readonly string[]): string {
  const old = before === '' ? [] : before.slice(0, -1).split('\n');
  const lines: string[] = [];
  let at = 0;
  for (const step of diff) {
    const [, start, count] = /^@@ -(\d+)(?:,(\d+))? \+\d+(?:,\d+)? @@$/.exec(step) ?? [];
    if (start !== undefined) {
      const first = Number(start) - (count === '0' ? 0 : 1);
      while (at < first) lines.push(old[at++] ?? '');
      continue;
    }
    if (step.startsWith('+')) lines.push(step.slice(1));
    else {
      if (old[at] !== step.slice(1)) throw new Error(`line ${at + 1} is not ${step}`);
      if (step.startsWith(' ')) lines.push(step.slice(1));
      at += 1;
    }
  }
  lines.push(...old.slice(at));
  return lines.map((line) => `${line}\n`).join('');
}

const text = fc
  .array(fc.constantFrom('a', 'b', 'c', '', '- x', '+ y'), { maxLength: 30 })
  .map((lines) => lines.map((line) => `${line}\n`).join(''));

test('a diff leads from the old text to the new one, and equal texts have none', (t) => {
  fc.assert(
    fc.property(text, text, (before, after) => {
      const diff = unifiedDiff(before, after);
      t.is(patched(before, diff), after);
      t.is(diff.length === 0, before === after);
    }),
  );
  t.pass();
});

test('hunks are those of diff -u', async (t) => {
  const folder = await temporaryFolder(t);
  const numbers = Array.from({ length: 40 }, (_, index) => `line ${index}\n`);
  const changed = numbers.map((line, index) => (index === 5 || index === 30 ? 'new\n' : line));
  for (const [before, after] of [
    [numbers, changed],
    [numbers, numbers.slice(1)],
    [[], ['a\n', 'b\n']],
    [['a\n'], []],
    [numbers.slice(0, 12), ['zero\n', ...numbers.slice(0, 12), 'last\n']],
  ] as const) {
    const files = ['old', 'new'].map((name) => join(folder, name));
    writeFileSync(files[0] ?? '', before.join(''));
    writeFileSync(files[1] ?? '', after.join(''));
    const { stdout } = spawnSync('diff', ['-u', ...files], { encoding: 'utf8' });
    const hunks = stdout.split('\n').slice(2, -1);
    t.deepEqual(unifiedDiff(before.join(''), after.join('')), hunks);
  }
});

const many = (word: string): string =>
  Array.from({ length: 5_000 }, (_, index) => `${word} ${index}\n`).join('');

test('texts that differ in very many lines are replaced as a whole, in bounded memory', (t) => {
  const [before, after] = [`same\n${many('a')}`, `same\n${many('b')}`];
  t.is(patched(before, unifiedDiff(before, after)), after);
});

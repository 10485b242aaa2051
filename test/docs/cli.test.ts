import { readFile } from 'node:fs/promises';
import test from 'ava';
import { exitCodes } from '../../cloverctl/exit-codes.ts';
import { kinds } from '../../knative/resources/kinds.ts';

const read = (): Promise<string> => readFile(new URL('../../docs/cli.md', import.meta.url), 'utf8');

test('docs/cli.md lists every exit code and no other', async (t) => {
  const listed = [...(await read()).matchAll(/^\| (\d+) +\|/gm)].map(([, code]) => Number(code));
  t.deepEqual(listed, Object.values(exitCodes));
});

test('docs/cli.md names every kind', async (t) => {
  const text = await read();
  for (const { plural, shortNames } of kinds) {
    for (const name of [plural, ...shortNames]) t.true(text.includes(`\`${name}\``), name);
  }
});

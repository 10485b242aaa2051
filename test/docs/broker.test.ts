import { readFile } from 'node:fs/promises';
import test from 'ava';

const root = new URL('../../', import.meta.url);
const read = (path: string): Promise<string> => readFile(new URL(path, root), 'utf8');

test('every case of the broker names a test that exists', async (t) => {
  const rows = (await read('docs/broker.md'))
    .split('\n')
    .filter((line) => line.startsWith('| ') && !/^\| -|\| test +\|$/.test(line));
  t.true(rows.length > 50);
  for (const row of rows) {
    const [, file = '', title = ''] = /\| `([\w/-]+\.test\.ts)` "([^"]+)" +\|$/.exec(row) ?? [];
    t.not(file, '', `names no test: ${row}`);
    const source = await read(`test/functions/host/${file}`);
    const titles = [...source.matchAll(/^test(?:\.serial)?\(\s*(['"])(.+?)\1,/gm)].map(
      ([, , found]) => found,
    );
    t.true(titles.includes(title), `${file} has no test "${title}"`);
  }
});

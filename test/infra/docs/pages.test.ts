import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { promisify } from 'node:util';
import test from 'ava';
import { markdownTable } from '../../../infra/docs/markdown.ts';
import { generatedPages } from '../../../infra/docs/pages.ts';

for (const { path, text } of generatedPages) {
  test(`${path} is what its generator makes: run \`npm run docs\``, async (t) => {
    const committed = await readFile(new URL(`../../../${path}`, import.meta.url), 'utf8');
    t.is(committed, await text());
  });

  test(`the generator of ${path} leaves nothing to the formatter`, async (t) => {
    const folder = await mkdtemp(join(tmpdir(), 'clover-docs-'));
    t.teardown(() => rm(folder, { recursive: true, force: true }));
    const file = join(folder, basename(path));
    const made = await text();
    await writeFile(file, made);
    const root = new URL('../../../', import.meta.url).pathname;
    const config = join(root, '.oxfmtrc.json');
    await promisify(execFile)(join(root, 'node_modules/.bin/oxfmt'), ['-c', config, file]);
    t.is(await readFile(file, 'utf8'), made);
  });
}

test('a table is as wide as its cells, and a pipe in a cell stays in it', (t) => {
  t.is(
    markdownTable(['a', 'long'], [['x|y', '']]),
    '| a    | long |\n| ---- | ---- |\n| x\\|y |      |\n',
  );
});

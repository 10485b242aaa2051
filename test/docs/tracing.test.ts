import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import test from 'ava';

const repository = fileURLToPath(new URL('../../', import.meta.url));
const core = join(repository, 'native/capture/core');

/** Where the core says why bytes are skipped, and requests lost. */
const told = [
  /\b(?:skipped|stop|missed|drop|reset|drop_opening|drop_head)\([^";]*"([a-z_]+)"/g,
  /\b(?:skipped|lost|lost_requests), "([a-z_]+)"/g,
  /\bfailed_ = "([a-z_]+)"/g,
  /kNames\[TAP_CAUSES\] = \{"([a-z_]+)", "([a-z_]+)", "([a-z_]+)"\}/g,
];

test('docs/tracing.md has every reason for which bytes are skipped, and every cause of a loss', async (t) => {
  const files = (await readdir(core, { recursive: true })).filter((name) =>
    /\.(?:cc|h)$/.test(name),
  );
  const texts = await Promise.all(files.map((name) => readFile(join(core, name), 'utf8')));
  const reasons = new Set(
    texts.flatMap((text) =>
      told.flatMap((pattern) => [...text.matchAll(pattern)].flatMap(([, ...found]) => found)),
    ),
  );
  t.true(reasons.size > 20, [...reasons].join());
  const documented = await readFile(join(repository, 'docs/tracing.md'), 'utf8');
  const rows = new Set(
    [...documented.matchAll(/^\| ([^|]+) \|/gm)].flatMap(([, first = '']) =>
      [...first.matchAll(/`([a-z_]+)`/g)].map(([, name]) => name),
    ),
  );
  t.deepEqual([...reasons].filter((reason) => !rows.has(reason)).toSorted(), []);
});

import { existsSync, globSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join, matchesGlob, normalize } from 'node:path';
import { fileURLToPath } from 'node:url';
import test from 'ava';
import { z } from 'zod';

const root = fileURLToPath(new URL('../../', import.meta.url));
const load = createRequire(import.meta.url);
const configuration = z.object({ files: z.array(z.string()) });

/** The files that a file imports, as paths from the root; none of a file that is not there. */
function importsOf(file: string): string[] {
  const path = join(root, file);
  const text = existsSync(path) ? readFileSync(path, 'utf8') : '';
  return [...text.matchAll(/from '(\.{1,2}\/[^']+)'/g)].map(([, target = '']) =>
    normalize(join(dirname(file), target)),
  );
}

/** Whether a file starts a tier, by itself or by what it imports. */
function startsTier(file: string, seen: Set<string>): boolean {
  if (file === 'test/cluster/with-cluster.ts') return true;
  if (seen.has(file)) return false;
  seen.add(file);
  return importsOf(file).some((other) => startsTier(other, seen));
}

test('`npm run test:cluster` has every test that takes a cluster, where none may be left out', (t) => {
  const { files } = configuration.parse(load('../cluster/ava.config.cjs'));
  const takers = globSync('test/**/*.test.ts', { cwd: root }).filter((file) =>
    startsTier(file, new Set()),
  );
  t.true(takers.includes('test/faults/api-server.test.ts'));
  t.deepEqual(takers.filter((file) => !files.some((glob) => matchesGlob(file, glob))).sort(), []);
  t.deepEqual(
    files.filter((glob) => globSync(glob, { cwd: root }).length === 0),
    [],
    'each of them is there',
  );
});

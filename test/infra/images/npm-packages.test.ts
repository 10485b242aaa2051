import test from 'ava';
import { build } from 'esbuild';
import { licencesOf, packagesOf } from '../../../infra/images/npm-packages.ts';

test('every package with a file in a bundle is found, with its version and licence', async (t) => {
  const { metafile } = await build({
    entryPoints: ['functions/ingest/main.ts'],
    bundle: true,
    metafile: true,
    write: false,
    platform: 'node',
    format: 'esm',
  });
  const inputs = Object.keys(metafile.inputs);
  const packages = await packagesOf(inputs);
  const names = inputs
    .filter((input) => input.includes('node_modules/'))
    .map((input) => input.split('node_modules/').at(-1)?.split('/') ?? [])
    .map(([scope = '', name]) => (scope.startsWith('@') ? `${scope}/${name}` : scope));
  t.true(names.includes('pino'));
  const found = new Set(packages.map(({ name }) => name));
  t.deepEqual([...found].toSorted(), [...new Set(names)].toSorted());
  const text = licencesOf(packages);
  for (const { name, version, licence } of packages) {
    t.regex(version, /^\d+\.\d+\.\d+/, name);
    t.true(text.includes(`${name} ${version} (${licence})`), name);
  }
});

test('a package counts once, whatever is deeper in it, and files of no package do not', async (t) => {
  t.deepEqual(await packagesOf(['functions/ingest/main.ts', 'knative/crd.ts']), []);
  const [found] = await packagesOf([
    'node_modules/zod/v4/core/core.js',
    'node_modules/zod/v4/index.js',
  ]);
  t.is(found?.name, 'zod');
});

import { build } from 'esbuild';
import test from 'ava';
import { sources } from '../../../infra/images/main.ts';

/** What each cold start would load, and most have no use for: it is imported where it is used. */
const late = [
  'functions/resources/admission.ts',
  'knative/resources/kind-schemas.ts',
  'node_modules/@clickhouse/client/',
  'node_modules/@marcbachmann/cel-js/',
  'node_modules/express/',
  'node_modules/pino/',
];

/** Files that are loaded with a module: by imports, and not by calls of `import`. */
async function loadedWith(entry: string): Promise<readonly string[]> {
  const { metafile } = await build({
    entryPoints: [entry],
    bundle: true,
    metafile: true,
    write: false,
    outdir: 'nowhere',
    platform: 'node',
    format: 'esm',
    logLevel: 'error',
  });
  const first = Object.values(metafile.outputs)[0]?.entryPoint ?? '';
  const found = new Set([first]);
  for (const file of found) {
    for (const { path, kind } of metafile.inputs[file]?.imports ?? []) {
      if (kind !== 'dynamic-import' && path in metafile.inputs) found.add(path);
    }
  }
  return [...found];
}

for (const { name, entry } of sources) {
  test(`${name} starts without what its first request may not need`, async (t) => {
    const loaded = await loadedWith(entry);
    t.true(loaded.some((path) => path.endsWith('functions/host/create-host.ts')));
    t.deepEqual(
      late.filter((part) => loaded.some((path) => path.includes(part))),
      [],
    );
  });
}

test('the API lists objects without what writes and describes them', async (t) => {
  const loaded = await loadedWith('functions/api/api-router.ts');
  t.deepEqual(
    late.filter((part) => loaded.some((path) => path.includes(part))),
    [],
  );
});

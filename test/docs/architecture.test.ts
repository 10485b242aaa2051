import { access, readdir, readFile } from 'node:fs/promises';
import { dirname, join, normalize } from 'node:path';
import test from 'ava';

const root = new URL('../../', import.meta.url).pathname;
const read = (path: string): Promise<string> => readFile(join(root, path), 'utf8');

interface Unit {
  readonly path: string;
  /** From the top. */
  readonly row: number;
  readonly imports: readonly string[];
}

/** Rows of the table of imports, in its order. */
async function documentedUnits(): Promise<Unit[]> {
  const [, section = ''] = (await read('docs/architecture.md')).split('\n## Imports\n');
  const [table = ''] = section.split('\n## ');
  return table
    .split('\n')
    .filter((line) => line.startsWith('| `'))
    .map((line) => {
      const [paths = '', imports = ''] = line.split('|').slice(1);
      return { paths: codeIn(paths), imports: codeIn(imports) };
    })
    .flatMap(({ paths, imports }, row) => paths.map((path) => ({ path, row, imports })));
}

function codeIn(cell: string): string[] {
  return [...cell.matchAll(/`([^`]+)`/g)].map(([, text = '']) => text);
}

function isAllowed(from: Unit | undefined, to: Unit | undefined): boolean {
  if (from === undefined || to === undefined) return false;
  return to.row < from.row && from.imports.some((allowed) => to.path.startsWith(allowed));
}

const codeFolders = ['agent', 'cloverctl', 'functions', 'infra', 'knative', 'native'];

async function filesBelow(folder: string, extension: string): Promise<string[]> {
  const names = await readdir(join(root, folder), { recursive: true });
  return names.filter((name) => name.endsWith(extension)).map((name) => join(folder, name));
}

async function sources(): Promise<string[]> {
  return (await Promise.all(codeFolders.map((folder) => filesBelow(folder, '.ts')))).flat();
}

/** Paths that a file imports, types and dynamic imports too, from the root of the repository. */
async function importsOf(file: string): Promise<string[]> {
  const text = await read(file);
  return [...text.matchAll(/(?:\bfrom|\bimport\(|^import)\s*'(\.[^']+)'/gm)].map(([, path = '']) =>
    normalize(join(dirname(file), path)),
  );
}

/** The unit with the longest path that holds the file. */
function unitOf(file: string, units: readonly Unit[]): Unit | undefined {
  return units
    .filter(({ path }) => file === path || (path.endsWith('/') && file.startsWith(path)))
    .toSorted((a, b) => b.path.length - a.path.length)[0];
}

test('every import stays in its unit, or goes down to one that the table allows', async (t) => {
  const units = await documentedUnits();
  const files = await sources();
  t.true(files.length > 100);
  for (const file of files) {
    const from = unitOf(file, units);
    t.truthy(from, `${file} is in no unit`);
    for (const target of await importsOf(file)) {
      const to = unitOf(target, units);
      t.true(to === from || isAllowed(from, to), `${file} imports ${target}`);
    }
  }
});

test('what the code map names exists, and it names every folder of code', async (t) => {
  const text = await read('docs/architecture.md');
  const rows = text.split('\n').filter((line) => /^\| `[^`]+\/` .*\|.*\|.*\|$/.test(line));
  const named = new Set<string>();
  for (const row of rows) {
    const [folders = '', , first = ''] = row.split('|').slice(1);
    const paths = codeIn(folders);
    for (const path of paths) named.add(path.split('/')[0] ?? '');
    const last = paths.at(-1) ?? '';
    for (const path of [...paths, ...codeIn(first).map((file) => join(last, file))]) {
      await t.notThrowsAsync(access(join(root, path)), path);
    }
  }
  t.deepEqual([...named].sort(), [...codeFolders, 'test']);
});

test('links between documents lead somewhere', async (t) => {
  const documents = ['README.md', 'CHANGELOG.md', ...(await filesBelow('docs', '.md'))];
  t.true(documents.length > 5);
  for (const document of documents) {
    for (const [, link = ''] of (await read(document)).matchAll(/\]\(([^)#:]+)(?:#[^)]*)?\)/g)) {
      await t.notThrowsAsync(access(join(root, dirname(document), link)), `${document}: ${link}`);
    }
  }
});

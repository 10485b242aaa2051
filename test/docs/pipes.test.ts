import { execFileSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import test from 'ava';
import { parseAllDocuments } from 'yaml';

const repository = fileURLToPath(new URL('../../', import.meta.url));
const docs = join(repository, 'docs');
const pages = readdirSync(docs).filter((name) => name.endsWith('.md'));
const linesOf = (page: string): string[] => readFileSync(join(docs, page), 'utf8').split('\n');

test('what npm says of itself goes into no pipe', (t) => {
  const piped = pages.flatMap((page) => linesOf(page).filter((line) => /^npm run .*\|/.test(line)));
  t.true(piped.length > 0);
  t.deepEqual(
    piped.filter((line) => !line.startsWith('npm run --silent ')),
    [],
  );
});

test('the command that brings the network layer prints nothing but objects', (t) => {
  const text = readFileSync(join(docs, 'knative-ingress.md'), 'utf8');
  const settings = /^# layer\.yaml\n[^`]*/m.exec(text)?.[0] ?? '';
  const command = /^npm run .*layer\.yaml(?= \| kubectl apply)/m.exec(text)?.[0] ?? '';
  const file = join(mkdtempSync(join(tmpdir(), 'clover-docs-')), 'layer.yaml');
  writeFileSync(file, settings);
  const [npm = '', ...args] = command.replace('layer.yaml', file).split(' ');
  const printed = execFileSync(npm, args, { cwd: repository, encoding: 'utf8' });
  const documents = parseAllDocuments(printed);
  t.deepEqual(
    documents.flatMap(({ errors }) => errors),
    [],
  );
  t.true(documents.some((document) => document.get('kind') === 'Deployment'));
});

import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import test from 'ava';
import { readInstallation } from '../../../knative/render/read-installation.ts';
import { renderInstallation } from '../../../knative/render/render-installation.ts';
import { toYaml } from '../../../knative/render/yaml.ts';

const pathOf = (name: string): string =>
  fileURLToPath(new URL(`../../../knative/render/${name}`, import.meta.url));

const example = pathOf('example.yaml');
const text = readFileSync(example, 'utf8');

const run = (args: readonly string[], input = '') =>
  spawnSync(process.execPath, [pathOf('main.ts'), ...args], { input, encoding: 'utf8' });

test('it prints everything of the installation in a file, or from standard input', (t) => {
  const reading = readInstallation(text);
  if ('problems' in reading) {
    t.fail(reading.problems.join());
    return;
  }
  const expected = toYaml(renderInstallation(reading.installation));
  for (const { status, stdout, stderr } of [run([example]), run(['-'], text)]) {
    t.deepEqual({ status, stderr }, { status: 0, stderr: '' });
    t.is(stdout, expected);
  }
});

test('a bad installation prints nothing but what is wrong with it, with exit code 2', (t) => {
  const { status, stdout, stderr } = run(['-'], text.replace('version', 'verson'));
  t.deepEqual({ status, stdout }, { status: 2, stdout: '' });
  t.regex(
    stderr,
    /^-: version: has to be said: text\n-: verson: unknown key; did you mean "version"\?\n$/,
  );
});

test('without a file, with two, or with one that is not there it says so', (t) => {
  t.regex(run([]).stderr, /^usage: npm run --silent render -- FILE/);
  t.is(run([]).status, 2);
  t.regex(run([example, example]).stderr, /^usage: /);
  const { status, stderr } = run(['/no/such/file.yaml']);
  t.is(status, 2);
  t.regex(stderr, /^cannot read \/no\/such\/file\.yaml: ENOENT/);
});

import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import test from 'ava';
import { createCliEnv } from '../../cloverctl/env.ts';
import { createProgram } from '../../cloverctl/program.ts';

const [main, hook] = ['../../cloverctl/main.ts', 'loaded-modules.ts'].map((path) =>
  fileURLToPath(new URL(path, import.meta.url)),
);

/** Packages and commands that a call of cloverctl loads. */
async function loaded(args: readonly string[]): Promise<string[]> {
  const words = ['--import', hook ?? '', main ?? '', ...args];
  const { stderr } = await promisify(execFile)(process.execPath, words);
  const names = stderr.match(/(?:node_modules|cloverctl\/commands)\/(?:@[^/]+\/)?[^/\n]+/g) ?? [];
  return [...new Set(names)].map((name) => name.replace('node_modules/', '')).toSorted();
}

test('the list of commands loads none of them, and nothing that is heavy', async (t) => {
  t.deepEqual(await loaded(['--help']), ['commander']);
});

test('the help of a command loads neither the client nor what writes YAML', async (t) => {
  const names = await loaded(['get', '--help']);
  t.true(names.includes('cloverctl/commands/get.ts'));
  for (const heavy of [
    'yaml',
    'pino',
    'express',
    '@clickhouse/client',
    'cloverctl/commands/up.ts',
  ]) {
    t.false(names.includes(heavy), heavy);
  }
});

test('the list of commands says of each what the command says of itself', async (t) => {
  const env = createCliEnv(process);
  const [whole, light] = [await createProgram([], env), await createProgram(['--help'], env)];
  t.is(light.helpInformation(), whole.helpInformation());
});

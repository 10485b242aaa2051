import { execFile } from 'node:child_process';
import { mkdir, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import process from 'node:process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import test from 'ava';
import { z } from 'zod';
import { embeddedCommand } from '../../../functions/analytics/embedded-command.ts';
import { temporaryFolder } from '../../functions/host/helpers.ts';

const run = promisify(execFile);
const outcome = z.object({ code: z.int(), stdout: z.string(), stderr: z.string() });

async function node(
  program: string,
  ...args: readonly string[]
): Promise<z.output<typeof outcome>> {
  const file = fileURLToPath(new URL(`../../../infra/baremetal/${program}`, import.meta.url));
  try {
    return { code: 0, ...(await run(process.execPath, [file, ...args])) };
  } catch (error) {
    return outcome.parse(error);
  }
}

test('ClickHouse gets its files, and the command is that of the embedded one', async (t) => {
  const folder = await temporaryFolder(t);
  const [dataDir, password] = [join(folder, 'data'), join(folder, 'password')];
  await writeFile(password, 'a-password-of-clickhouse\n');
  const settings = join(folder, 'clickhouse.json');
  await writeFile(settings, JSON.stringify({ dataDir, port: 7701, password: { file: password } }));
  const { code, stdout, stderr } = await node(
    'clickhouse-command.ts',
    settings,
    '/launcher',
    '/library',
  );
  t.is(code, 0, stderr);
  const wanted = embeddedCommand({
    dataDir,
    port: 7701,
    password: 'a-password-of-clickhouse',
    programs: { launcher: '/launcher', library: '/library' },
  });
  t.deepEqual(stdout.split('\0'), [wanted.command, ...wanted.args, '']);
  for (const { path, content, mode } of wanted.files) {
    t.is(await readFile(path, 'utf8'), content);
    t.is((await stat(path)).mode & 0o777, mode);
  }
});

test('settings of ClickHouse that are wrong are named, the password is not', async (t) => {
  const folder = await temporaryFolder(t);
  const settings = join(folder, 'clickhouse.json');
  const wrong = { dataDir: folder, port: 0, memoryBytes: 1, password: 'secret', prot: 1 };
  await writeFile(settings, JSON.stringify(wrong));
  const { code, stdout, stderr } = await node('clickhouse-command.ts', settings, '/a', '/b');
  t.is(code, 2);
  t.is(stdout, '');
  for (const field of ['port', 'memoryBytes', 'password', 'prot'])
    t.regex(stderr, new RegExp(field));
  t.notRegex(stderr, /secret/);
  t.regex((await node('clickhouse-command.ts', settings)).stderr, /usage: command\.mjs FILE/);
});

test('a release is not made over a folder that is none', async (t) => {
  const folder = await temporaryFolder(t);
  await mkdir(join(folder, 'mine'));
  const { code, stderr } = await node('release.ts', '--out', folder);
  t.is(code, 2);
  t.regex(stderr, /is there, and is no release/);
  t.true((await stat(join(folder, 'mine'))).isDirectory());
  t.regex((await node('release.ts', '--into', folder)).stderr, /usage: npm run release/);
});

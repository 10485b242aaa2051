import { execFile } from 'node:child_process';
import { mkdir, readdir, readFile, readlink, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import test, { type ExecutionContext } from 'ava';
import { z } from 'zod';
import { temporaryFolder } from '../../functions/host/helpers.ts';
import { smallRelease } from './small-release.ts';

const run = promisify(execFile);
const failure = z.object({ code: z.int(), stdout: z.string(), stderr: z.string() });

interface Place {
  readonly folder: string;
  readonly root: string;
  /** Runs a release's script on the root. */
  readonly install: (...args: readonly string[]) => Promise<z.output<typeof failure>>;
}

async function place(t: ExecutionContext, version = '1'): Promise<Place> {
  const folder = await temporaryFolder(t);
  const release = join(folder, 'release');
  const root = join(folder, 'root');
  await smallRelease(release, version);
  await mkdir(root);
  return {
    folder,
    root,
    install: async (...args) => {
      try {
        const script = join(release, 'install.sh');
        const { stdout, stderr } = await run(script, ['--root', root, ...args]);
        return { code: 0, stdout, stderr };
      } catch (error) {
        return failure.parse(error);
      }
    },
  };
}

const below = async (folder: string): Promise<string[]> =>
  (await readdir(folder, { recursive: true })).sort();

const withoutKept = (text: string): string => text.replaceAll(/^keep .*\n/gm, '');

test('what a dry run says is what is done, and a second run does nothing', async (t) => {
  const { root, install } = await place(t);
  const dry = await install('--dry-run');
  t.deepEqual(await below(root), []);
  const done = await install('--yes');
  t.is(done.code, 0, done.stderr);
  const lines = dry.stdout.split('\n').filter((line) => /^(?:create|link) /.test(line));
  t.deepEqual(
    done.stdout.split('\n').filter((line) => /^(?:create|link|replace) /.test(line)),
    lines,
  );
  for (const line of lines) {
    const path = line.split(/ +/)[1] ?? '';
    if (path !== '/usr/bin/cloverctl') t.true((await stat(join(root, path))).isFile(), path);
  }
  t.is(await readlink(join(root, 'usr/bin/cloverctl')), '/usr/lib/clover/cloverctl/run');
  const before = await below(root);
  const again = await install('--yes');
  t.is(withoutKept(again.stdout), 'Everything is as it should be: no file changes.\n');
  t.deepEqual(await below(root), before);
});

test('without a terminal nothing is changed unless --yes says so', async (t) => {
  const { root, install } = await place(t);
  const { code, stderr } = await install();
  t.is(code, 1);
  t.regex(stderr, /nobody is there to be asked\n {2}to fix: --yes/);
  t.deepEqual(await below(root), []);
});

test('secrets are random, and their owner alone reads them', async (t) => {
  const [one, two] = [await place(t), await place(t)];
  const secrets: string[] = [];
  for (const { root, install } of [one, two]) {
    await install('--yes');
    for (const name of ['token', 'agent-token', 'metrics-token', 'clickhouse-password']) {
      const file = join(root, 'etc/clover/secrets', name);
      t.is((await stat(file)).mode & 0o777, 0o600);
      secrets.push(await readFile(file, 'utf8'));
    }
    t.is((await stat(join(root, 'etc/clover/secrets'))).mode & 0o777, 0o700);
  }
  t.is(new Set(secrets).size, 8);
  for (const secret of secrets) t.regex(secret, /^[\w-]{32}\n$/);
});

test('another version replaces what it changes, removes what it lacks, and leaves the settings alone', async (t) => {
  const { folder, root, install } = await place(t);
  await install('--yes');
  const settings = join(root, 'etc/clover/agent.json');
  await writeFile(settings, 'mine');
  const token = await readFile(join(root, 'etc/clover/secrets/token'), 'utf8');

  await rm(join(folder, 'release'), { recursive: true });
  await smallRelease(join(folder, 'release'), '2', ['agent/agent.mjs', 'node', 'tools/other.mjs']);
  const { stdout } = await install('--yes');
  t.regex(stdout, /^replace {2}\/usr\/lib\/clover\/agent\/agent\.mjs$/m);
  t.regex(stdout, /^create {3}\/usr\/lib\/clover\/tools\/other\.mjs$/m);
  t.regex(stdout, /^remove {3}\/usr\/lib\/clover\/clickhouse\/libchdb\.so$/m);
  t.regex(stdout, /^keep {5}\/etc\/clover\/agent\.json$/m);
  const files = await below(join(root, 'usr/lib/clover'));
  t.deepEqual(files, ['MANIFEST', 'agent', 'agent/agent.mjs', 'node', 'tools', 'tools/other.mjs']);
  t.regex(await readFile(join(root, 'usr/lib/clover/node'), 'utf8'), /# 2/);
  t.is(await readFile(settings, 'utf8'), 'mine');
  t.is(await readFile(join(root, 'etc/clover/secrets/token'), 'utf8'), token);
});

test('a host may have some of the parts: the agent alone asks for the token of its control plane', async (t) => {
  const { folder, root, install } = await place(t);
  const without = await install('--yes', '--parts', 'agent');
  t.is(without.code, 1);
  t.regex(
    without.stderr,
    /needs the token that one takes from agents\n {2}to fix: --token-file FILE/,
  );
  t.deepEqual(await below(root), []);

  const file = join(folder, 'token');
  await writeFile(file, 'short\n');
  const agent = ['--yes', '--parts', 'agent', '--token-file', file] as const;
  const short = await install(...agent);
  t.regex(short.stderr, /is not a token: one line of at least 16/);
  await writeFile(file, 'a-token-that-is-long-enough\n');
  const { code, stderr } = await install(...agent, '--server', 'http://10.0.0.5:7700');
  t.is(code, 0, stderr);
  const config: unknown = JSON.parse(await readFile(join(root, 'etc/clover/agent.json'), 'utf8'));
  const { controlPlane } = z.object({ controlPlane: z.object({ url: z.string() }) }).parse(config);
  t.is(controlPlane.url, 'http://10.0.0.5:7700');
  const secrets = join(root, 'etc/clover/secrets');
  t.deepEqual(await readdir(secrets), ['agent-token']);
  const secret = join(secrets, 'agent-token');
  t.is(await readFile(secret, 'utf8'), 'a-token-that-is-long-enough\n');
  t.is((await stat(secret)).mode & 0o777, 0o600);
  const units = await readdir(join(root, 'usr/lib/systemd/system'));
  t.deepEqual(units.sort(), ['clover-.service.d', 'clover-agent.service', 'clover.target']);
  t.deepEqual((await readdir(join(root, 'usr/lib/clover'))).sort(), [
    'MANIFEST',
    'agent',
    'cloverctl',
    'node',
    'tools',
  ]);
});

test('settings of before agents had a token of their own are refused before anything changes', async (t) => {
  const { root, install } = await place(t);
  await install('--yes');
  const settings = join(root, 'etc/clover/control-plane.json');
  await writeFile(settings, '{ "token": "as-it-was-before-this-version" }');
  await rm(join(root, 'etc/clover/secrets/agent-token'));
  const before = await below(root);
  const { code, stderr } = await install('--yes');
  t.is(code, 1);
  t.regex(
    stderr,
    /control-plane\.json has no agentToken, .*\n {2}to fix: add the line of it that /,
  );
  t.deepEqual(await below(root), before);
});

test('uninstalling removes what was installed and nothing else; data goes when that is said', async (t) => {
  const { root, install } = await place(t);
  await mkdir(join(root, 'usr/lib/systemd/system'), { recursive: true });
  await writeFile(join(root, 'usr/lib/systemd/system/ssh.service'), '');
  await install('--yes');
  await mkdir(join(root, 'var/lib/clover/xds'), { recursive: true });
  t.is((await install('--uninstall', '--yes')).code, 0);
  const left = await below(root);
  t.deepEqual(
    left.filter((path) => path.startsWith('usr/') && path.includes('clover')),
    [],
  );
  t.true(left.includes('usr/lib/systemd/system/ssh.service'));
  t.true(left.includes('etc/clover/secrets/token') && left.includes('var/lib/clover/xds'));
  t.is((await install('--uninstall', '--yes')).stdout, 'Clover is not installed here.\n');

  // What was left then goes too, once it is asked for; so it does in one step.
  for (const again of [false, true]) {
    if (again) await install('--yes');
    t.is((await install('--uninstall', '--yes', '--delete-data')).code, 0);
    t.deepEqual(
      (await below(root)).filter((path) => path.includes('clover')),
      [],
    );
  }
});

test('an installation that was cut off can be finished, or taken away', async (t) => {
  const { root, install } = await place(t);
  // A file where a folder has to go stops it in the middle.
  const obstacle = join(root, 'usr/lib/clover/tools');
  await mkdir(join(root, 'usr/lib/clover'), { recursive: true });
  await writeFile(obstacle, '');
  t.not((await install('--yes')).code, 0);
  t.true((await below(join(root, 'usr/lib/clover'))).includes('node'));
  await rm(obstacle);
  t.is((await install('--uninstall', '--yes', '--delete-data')).code, 0);
  t.deepEqual(
    (await below(root)).filter((path) => path.includes('clover')),
    [],
  );
});

test('a program of that name that is somebody else’s is left alone', async (t) => {
  const { root, install } = await place(t);
  await mkdir(join(root, 'usr/bin'), { recursive: true });
  await writeFile(join(root, 'usr/bin/cloverctl'), 'theirs');
  const { code, stderr } = await install('--yes');
  t.is(code, 1);
  t.regex(stderr, /\/usr\/bin\/cloverctl is somebody else's/);
  t.is(await readFile(join(root, 'usr/bin/cloverctl'), 'utf8'), 'theirs');
});

for (const [args, said] of [
  [['--prats', 'agent'], /unknown argument --prats/],
  [['--parts'], /--parts has no value/],
  [['--parts', 'agent,ui'], /there is no part ui\n {2}to fix: parts are/],
  [['--server', 'https://x'], /--server: found https:\/\/x/],
  [['--delete-data'], /--delete-data goes with --uninstall/],
] as const) {
  test(`refused with 2: install.sh ${args.join(' ')}`, async (t) => {
    const { root, install } = await place(t);
    const { code, stderr } = await install(...args);
    t.is(code, 2);
    t.regex(stderr, said);
    t.deepEqual(await below(root), []);
  });
}

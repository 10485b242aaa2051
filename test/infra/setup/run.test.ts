import { spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { text } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import test, { type ExecutionContext } from 'ava';

interface Outcome {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** A checkout with nothing in it but set-up, and a folder of commands that go before the machine's. */
function checkout(t: ExecutionContext): { root: string; commands: string } {
  const root = mkdtempSync(join(tmpdir(), 'clover-setup-'));
  t.teardown(() => rmSync(root, { recursive: true, force: true }));
  chmodSync(root, 0o755);
  const source = fileURLToPath(new URL('../../../infra/setup', import.meta.url));
  cpSync(source, join(root, 'infra/setup'), { recursive: true });
  writeFileSync(
    join(root, 'package-lock.json'),
    '{"packages":{"":{},"node_modules/x":{"version":"1.0.0"}}}',
  );
  const commands = join(root, 'commands');
  mkdirSync(commands);
  return { root, commands };
}

async function setUp(
  root: string,
  args: readonly string[],
  options: { readonly path?: string; readonly uid?: number } = {},
): Promise<Outcome> {
  const child = spawn('/bin/bash', [join(root, 'infra/setup/run.sh'), ...args], {
    env: { ...process.env, PATH: options.path ?? process.env['PATH'] },
    ...(options.uid === undefined ? {} : { uid: options.uid, gid: options.uid }),
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const [stdout, stderr] = await Promise.all([
    text(child.stdout),
    text(child.stderr),
    once(child, 'exit'),
  ]);
  return { code: child.exitCode, stdout, stderr };
}

function command(folder: string, name: string, script: string): void {
  writeFileSync(join(folder, name), `#!/bin/sh\n${script}\n`, { mode: 0o755 });
}

/** A zombie does not run. */
function isRunning(pid: number): boolean {
  try {
    return !/\) Z /.test(readFileSync(`/proc/${pid}/stat`, 'utf8'));
  } catch {
    return false;
  }
}

const before = (folder: string): string => `${folder}:${process.env['PATH']}`;

test('a kernel that is too old is named with what is needed', async (t) => {
  const { root, commands } = checkout(t);
  command(commands, 'uname', '[ "$1" = -r ] && echo 5.9.0-5-amd64 || echo Linux');
  const { code, stderr } = await setUp(root, ['true'], { path: before(commands) });
  t.is(code, 1);
  t.regex(stderr, /kernel is 5\.9\.0-5-amd64.*Linux 5\.10/);
});

test('another system than Linux is named', async (t) => {
  const { root, commands } = checkout(t);
  command(commands, 'uname', 'echo Darwin');
  const { code, stderr } = await setUp(root, ['true'], { path: before(commands) });
  t.is(code, 1);
  t.regex(stderr, /this is Darwin/);
});

test('whoever is not root is told so, with the fix', async (t) => {
  const { root } = checkout(t);
  const { code, stderr } = await setUp(root, ['true'], { uid: 65_534 });
  t.is(code, 1);
  t.regex(stderr, /not root[^]*fix: sudo/);
});

test('a machine without apt-get is named as one that set-up does not know', async (t) => {
  const { root, commands } = checkout(t);
  for (const name of ['dirname', 'uname']) symlinkSync(`/usr/bin/${name}`, join(commands, name));
  const { code, stderr } = await setUp(root, ['true'], { path: commands });
  t.is(code, 1);
  t.regex(stderr, /no apt-get[^]*Debian 12 or Ubuntu 24\.04/);
});

test('--check lists what is missing and why, installs nothing, and fails', async (t) => {
  const { root } = checkout(t);
  const { code, stdout } = await setUp(root, ['--check']);
  t.is(code, 1);
  t.regex(stdout, /^missing +modules +install the npm packages/m);
  t.regex(stdout, /^missing +envoy +fetch Envoy 1\.40\.0/m);
});

test('a failing installation shows the end of its log and leaves no stamp', async (t) => {
  const { root, commands } = checkout(t);
  for (const name of ['npm', 'apt-get']) {
    command(commands, name, 'echo "the registry is on fire" >&2; exit 7');
  }
  // Whatever this machine lacks, set-up must not get it here.
  command(commands, 'pip3', 'exit 7');
  const failed = await setUp(root, ['echo', 'ran'], { path: before(commands) });
  t.is(failed.code, 1);
  t.is(failed.stdout, '');
  t.regex(failed.stderr, /the registry is on fire/);
  t.regex(failed.stderr, /set-up goes on where it stopped/);
  const again = await setUp(root, ['--check'], { path: before(commands) });
  t.regex(again.stdout, /^missing +modules/m);
});

test('an interrupted set-up ends what it has started, however deep, and however deaf', async (t) => {
  const { root, commands } = checkout(t);
  // One that tidies up at the first SIGTERM, as npm does, with a child that hears none.
  command(
    commands,
    'npm',
    `trap 'trap - TERM' TERM
sh -c 'trap "" TERM; echo $$ >${root}/child; while :; do sleep 1; done' &
while :; do sleep 1; done`,
  );
  for (const name of ['apt-get', 'pip3']) command(commands, name, 'exit 0');
  command(commands, 'dpkg', 'exit 0');
  const child = spawn('/bin/bash', [join(root, 'infra/setup/run.sh'), 'true'], {
    env: { ...process.env, PATH: before(commands) },
    stdio: 'ignore',
  });
  const exited: Promise<unknown> = once(child, 'exit');
  for (let tries = 0; tries < 600 && !existsSync(join(root, 'child')); tries++) await sleep(50);
  await sleep(100);
  const deep = Number(readFileSync(join(root, 'child'), 'utf8'));
  child.kill('SIGINT');
  child.kill('SIGINT');
  await exited;
  t.is(child.exitCode, 130);
  for (let tries = 0; tries < 100 && isRunning(deep); tries++) await sleep(20);
  t.false(isRunning(deep));
});

test('without a command it says how it is used', async (t) => {
  const { root } = checkout(t);
  const { code, stderr } = await setUp(root, []);
  t.is(code, 1);
  t.regex(stderr, /no command given/);
});

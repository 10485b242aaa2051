import { spawn, type ChildProcessByStdio } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import test, { type ExecutionContext } from 'ava';
import { startApi } from '../../functions/api/server.ts';
import { examples } from '../../functions/resources/examples.ts';
import { temporaryFolder } from '../../functions/host/helpers.ts';
import { runCli } from '../run-cli.ts';

type Publisher = ChildProcessByStdio<null, Readable, null>;

const program = fileURLToPath(new URL('publishing.ts', import.meta.url));

async function publish(t: ExecutionContext, args: readonly string[]): Promise<Publisher> {
  const child = spawn(process.execPath, [program, ...args], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  t.teardown(() => child.kill('SIGKILL'));
  await once(child.stdout, 'data');
  return child;
}

async function end(child: Publisher, signal: NodeJS.Signals): Promise<void> {
  child.kill(signal);
  await once(child, 'exit');
}

async function contextOf(home: string, name: string): Promise<string> {
  const args = ['--context', name, 'config', 'current-context', '--json'];
  const { stdout } = await runCli(args, { variables: { CLOVER_HOME: home } });
  return stdout;
}

test('what runs here is found without a name, and no more once it has ended', async (t) => {
  const api = await startApi(t);
  await api.store.applySpec(examples.Tap, { manager: 'test' });
  const home = await temporaryFolder(t);
  const variables = { CLOVER_HOME: home };
  const child = await publish(t, [home, 'local', api.url, api.token]);
  const [file = ''] = readdirSync(join(home, 'running'));
  t.is(statSync(join(home, 'running', file)).mode & 0o777, 0o600);
  const got = await runCli(['get', 'taps', '-A'], { variables });
  t.regex(got.stdout, /web/, got.stderr);
  await end(child, 'SIGTERM');
  t.is((await runCli(['get', 'taps', '-A'], { variables })).code, 5);
  t.deepEqual(readdirSync(join(home, 'running')), []);
});

test('of two that overlap the newer counts; in whatever order they end, neither leaves itself behind', async (t) => {
  for (const [first, second] of [
    [0, 1],
    [1, 0],
  ] as const) {
    const home = await temporaryFolder(t);
    const children = [
      await publish(t, [home, 'local', 'http://127.0.0.1:1', 'older']),
      await publish(t, [home, 'local', 'http://127.0.0.1:2', 'newer']),
    ] as const;
    t.regex(await contextOf(home, 'local'), /127\.0\.0\.1:2/);
    await end(children[first], 'SIGTERM');
    t.regex(await contextOf(home, 'local'), first === 0 ? /127\.0\.0\.1:2/ : /127\.0\.0\.1:1/);
    await end(children[second], 'SIGTERM');
    t.regex(await contextOf(home, 'local'), /unknown context \\"local\\": there are none/);
  }
});

test('a context in the file that one that runs stands over is stored with a warning', async (t) => {
  const home = await temporaryFolder(t);
  const child = await publish(t, [home, 'local', 'http://127.0.0.1:1', 'x']);
  const args = ['config', 'set-context', 'local', '--url', 'http://127.0.0.1:2'];
  const { stdout, stderr } = await runCli(args, { variables: { CLOVER_HOME: home } });
  t.is(stdout, 'context "local" created\n');
  t.is(
    stderr,
    `warning: until process ${child.pid ?? 0} ends, "local" means what that one runs, http://127.0.0.1:1\n`,
  );
  await end(child, 'SIGTERM');
  t.regex(await contextOf(home, 'local'), /127\.0\.0\.1:2/);
});

test('one that was killed counts no more, and its file goes with the next start', async (t) => {
  const home = await temporaryFolder(t);
  const killed = await publish(t, [home, 'local', 'http://127.0.0.1:1', 'x']);
  await end(killed, 'SIGKILL');
  t.regex(await contextOf(home, 'local'), /unknown context/);
  t.is(readdirSync(join(home, 'running')).length, 1);
  await publish(t, [home, 'edge', 'http://127.0.0.1:2', 'y']);
  t.is(readdirSync(join(home, 'running')).length, 1);
  t.regex(await contextOf(home, 'edge'), /127\.0\.0\.1:2/);
});

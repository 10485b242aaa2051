import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import test from 'ava';

const program = fileURLToPath(new URL('fixtures/stuck-process.ts', import.meta.url));

test('a drain that waits for what keeps no process ends with 1 at its limit, and never as if it were done', async (t) => {
  const child = spawn(process.execPath, [program, '300'], { stdio: ['ignore', 'pipe', 'pipe'] });
  t.teardown(() => child.kill('SIGKILL'));
  const log = text(child.stderr);
  const ended = new Promise<number | null>((resolve) => {
    child.once('exit', (code) => resolve(code));
  });
  await once(child.stdout, 'data');
  child.kill('SIGTERM');
  t.is(await ended, 1);
  t.regex(await log, /"cut":3.*the drain took more than 300 ms: ending at once/);
});

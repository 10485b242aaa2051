import { execFile } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import test, { type ExecutionContext } from 'ava';
import { pino } from 'pino';
import { processesMarked } from '../../../cloverctl/supervisor/process-table.ts';
import { runMark } from '../../../cloverctl/supervisor/run-record.ts';
import { withRun } from '../../../cloverctl/supervisor/with-run.ts';

const log = pino({ level: 'silent' });
const unfinished = fileURLToPath(new URL('unfinished-run.ts', import.meta.url));

function folder(t: ExecutionContext): string {
  const parent = mkdtempSync(join(tmpdir(), 'clv-with-run-'));
  t.teardown(() => rmSync(parent, { recursive: true, force: true }));
  return parent;
}

test('what the work started is gone when it fails, and its error is told', async (t) => {
  const parent = folder(t);
  let path = '';
  await t.throwsAsync(
    withRun({ kind: 'test', log, parent }, async ({ run, supervisor }) => {
      ({ path } = run);
      await supervisor.start({ name: 'sleep', command: 'sleep', args: ['300'] });
      throw new Error('of the work');
    }),
    { message: 'of the work' },
  );
  t.deepEqual(processesMarked(runMark, path), []);
  t.deepEqual(readdirSync(parent), []);
});

test('a process that ends in the middle of its run leaves nothing for long', async (t) => {
  const parent = folder(t);
  const { code, said } = await new Promise<{ code: unknown; said: string }>((resolve) => {
    execFile(process.execPath, [unfinished, parent], (error, stdout) =>
      resolve({ code: error?.code, said: stdout.trim() }),
    );
  });
  t.is(code, 3);
  const [path = '', ...namespaces] = said.split(' ');
  t.is(namespaces.length, 7);
  const left = (): boolean =>
    existsSync(path) || namespaces.some((name) => existsSync(`/run/netns/${name}`));
  for (let tries = 0; tries < 300 && left(); tries++) await sleep(100);
  t.false(left());
  t.deepEqual(processesMarked(runMark, path), []);
});

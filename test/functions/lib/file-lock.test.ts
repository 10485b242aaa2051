import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { link } from 'node:fs/promises';
import { join } from 'node:path';
import test from 'ava';
import { tryLock } from '../../../functions/lib/file-lock.ts';
import { temporaryFolder, until } from '../host/helpers.ts';

test('one at a time has a file, by whatever path', async (t) => {
  const folder = await temporaryFolder(t);
  const file = join(folder, 'lock');
  const first = tryLock(file);
  t.truthy(first);
  t.is(tryLock(file), undefined);
  await link(file, join(folder, 'other'));
  t.is(tryLock(join(folder, 'other')), undefined);
  first?.release();
  first?.release();
  const second = tryLock(file);
  t.truthy(second);
  second?.release();
});

test('a process that is killed has it no longer', async (t) => {
  const file = join(await temporaryFolder(t), 'lock');
  const module = JSON.stringify(
    new URL('../../../functions/lib/file-lock.ts', import.meta.url).href,
  );
  const script = `
    const { tryLock } = await import(${module});
    console.log(tryLock(${JSON.stringify(file)}) !== undefined);
    setInterval(() => {}, 60_000);`;
  const holder = spawn(process.execPath, ['--input-type=module', '-e', script], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  t.teardown(() => holder.kill('SIGKILL'));
  t.is(String(await once(holder.stdout, 'data')), 'true\n');
  t.is(tryLock(file), undefined);
  holder.kill('SIGKILL');
  await until(() => {
    const lock = tryLock(file);
    lock?.release();
    return lock !== undefined;
  });
});

test('where no such file can be, that is an error', async (t) => {
  const file = join(await temporaryFolder(t), 'missing', 'lock');
  t.throws(() => tryLock(file), { message: /unable to open/ });
});

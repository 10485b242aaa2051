import { readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import process from 'node:process';
import test from 'ava';
import { claimDataFolder } from '../../../cloverctl/supervisor/data-folder.ts';
import { identify } from '../../../cloverctl/supervisor/process-table.ts';
import { temporaryFolder } from '../../functions/host/helpers.ts';

test('a data folder belongs to one live process, and is given back', async (t) => {
  const folder = join(await temporaryFolder(t), 'data');
  const leave = claimDataFolder(folder);
  t.is(readdirSync(folder).length, 1);
  leave();
  t.deepEqual(readdirSync(folder), []);
  const other = identify(process.ppid);
  const mark = `in-use-by-${process.ppid}-${other?.startTime ?? ''}`;
  writeFileSync(join(folder, mark), '');
  t.throws(() => claimDataFolder(folder), {
    code: 'CLV_CONFLICT',
    message: new RegExp(`data folder of process ${process.ppid}, .*--data$`),
  });
  t.deepEqual(readdirSync(folder), [mark]);
});

test('a process that was killed holds no data folder, nor one that has its pid now', async (t) => {
  const folder = await temporaryFolder(t);
  writeFileSync(join(folder, `in-use-by-${process.ppid}-1`), '');
  writeFileSync(join(folder, 'in-use-by-4194999-7'), '');
  claimDataFolder(folder)();
  t.deepEqual(readdirSync(folder), []);
});

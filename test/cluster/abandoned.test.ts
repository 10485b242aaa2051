import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import process from 'node:process';
import test from 'ava';
import { identify, type ProcessIdentity } from '../../cloverctl/supervisor/process-table.ts';
import { temporaryFolder } from '../functions/host/helpers.ts';
import { findAbandoned, renderAbandoned } from './abandoned.ts';

const emptyRecord = { processes: [], namespaces: [], links: [] };

/** The folder of a run, as its owner has made it. */
function makeRun(
  parent: string,
  kind: string,
  { pid, startTime }: ProcessIdentity,
  record: unknown = emptyRecord,
): string {
  const run = join(parent, `clover-${kind}-${pid}-${startTime}-abcdef`);
  mkdirSync(run);
  writeFileSync(join(run, 'run.json'), JSON.stringify(record));
  return run;
}

test('a cluster whose keeper was killed is told with what lives on, and how to take it away', async (t) => {
  const folder = await temporaryFolder(t);
  const own = identify(process.pid);
  const child = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1_000)']);
  t.teardown(() => child.kill('SIGKILL'));
  await once(child, 'spawn');
  const living = identify(child.pid ?? 0);
  if (own === undefined || living === undefined) throw new Error('/proc is not mounted');
  const gone = { pid: own.pid, startTime: '1' };
  makeRun(folder, 'cluster', own);
  makeRun(folder, 'demo', gone);
  t.deepEqual(findAbandoned(folder), [], 'what is kept, and what is no cluster');
  t.deepEqual(renderAbandoned([]), []);

  const run = makeRun(folder, 'cluster', gone, {
    ...emptyRecord,
    processes: [
      { name: 'etcd', ...living, command: ['etcd'] },
      { name: 'kubelet', ...gone, command: ['kubelet'] },
    ],
  });
  const log = join(run, 'logs/etcd.log');
  const abandoned = findAbandoned(folder);
  t.deepEqual(abandoned, [{ run, processes: [{ name: 'etcd', pid: living.pid, log }] }]);
  t.deepEqual(renderAbandoned(abandoned), [
    `left of a cluster whose keeper was killed: ${run}, 1 of its processes live`,
    `${'etcd'.padEnd(24)} ${`pid ${living.pid}`.padEnd(12)} ${log}`,
    'to take it away: npm run cluster -- down',
  ]);
});

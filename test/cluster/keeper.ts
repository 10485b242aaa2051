import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { pino } from 'pino';
import { identify } from '../../cloverctl/supervisor/process-table.ts';
import { withRun } from '../../cloverctl/supervisor/with-run.ts';
import { builtPrograms, cacheFolder } from './build.ts';
import { kubernetes } from './programs.ts';
import { forgetRunning, writeRunning } from './running.ts';
import { startApi } from './tiers/api.ts';

// Keeps a cluster until SIGTERM. Its standard error is a file: `up`, which started it, is gone by then.
mkdirSync(cacheFolder, { recursive: true });
const log = pino({ level: 'info' }, pino.destination({ fd: 2, sync: true }));
const stop = new Promise<void>((resolve) => {
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, () => resolve());
});

await withRun({ kind: 'cluster', log }, async ({ run, supervisor }) => {
  const programs = await builtPrograms(kubernetes);
  const keeper = identify(process.pid);
  if (programs === undefined || keeper === undefined) throw new Error('not built');
  const tier = await startApi({ supervisor, programs, folder: join(run.path, 'api') });
  writeRunning({
    keeper,
    kubeconfig: tier.kubeconfig,
    server: tier.server,
    logs: join(run.path, 'logs'),
    processes: run.record.processes.map(({ name, pid, startTime }) => ({ name, pid, startTime })),
  });
  await stop;
  forgetRunning();
});

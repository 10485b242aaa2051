import { pino } from 'pino';
import { identify } from '../../cloverctl/supervisor/process-table.ts';
import { withRun } from '../../cloverctl/supervisor/with-run.ts';
import { forgetRunning, writeRunning } from './running.ts';
import { asTierName, builtTier, startTier } from './tiers.ts';

// `node keeper.ts TIER FILE` keeps a cluster until SIGTERM, and says in FILE that it runs. Its standard error is a file: `up`,
// which started it, is gone by then.
const [, , tierText = '', file = ''] = process.argv;
const log = pino({ level: 'info' }, pino.destination({ fd: 2, sync: true }));
const stop = new Promise<void>((resolve) => {
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, () => resolve());
});

await withRun({ kind: 'cluster', log }, async ({ run, supervisor }) => {
  const tier = asTierName(tierText);
  if (tier === undefined) throw new Error(`no tier ${tierText}`);
  const programs = await builtTier(tier);
  const keeper = identify(process.pid);
  if (programs === undefined || keeper === undefined) throw new Error('not built');
  const started = await startTier(tier, { run, supervisor, programs });
  const { kubeconfig, server } = started;
  const urls = 'urls' in started ? started.urls : {};
  const { kubectl = '' } = programs;
  writeRunning({ tier, keeper, kubeconfig, server, kubectl, urls, run: run.path }, file);
  await stop;
  forgetRunning(file);
});

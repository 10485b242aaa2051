import { join } from 'node:path';
import type { ExecutionContext } from 'ava';
import { pino } from 'pino';
import { createSupervisor } from '../../cloverctl/supervisor/processes.ts';
import { createRunFolder } from '../../cloverctl/supervisor/run-record.ts';
import { sweep, takeDown } from '../../cloverctl/supervisor/sweep.ts';
import { buildMinutes, builtPrograms } from './build.ts';
import { kubernetes } from './programs.ts';
import { startApi, type ApiTier } from './tiers/api.ts';

/**
 * Why tests leave a tier out; undefined when it can be started. Building takes minutes, and so is asked for by name.
 */
export async function whyLeftOut(): Promise<string | undefined> {
  if ((await builtPrograms(kubernetes)) !== undefined) return undefined;
  return `the cluster's tier api is left out: it is not built (npm run cluster -- build, about ${buildMinutes(kubernetes)} min)`;
}

/** Starts a tier of its own for a test, or for the hook of a file, and takes it down with that. */
export async function withCluster(
  t: Pick<ExecutionContext, 'teardown'>,
  apiServerArgs: readonly string[] = [],
): Promise<ApiTier> {
  const programs = await builtPrograms(kubernetes);
  if (programs === undefined) throw new Error(await whyLeftOut());
  await sweep();
  const run = createRunFolder('cluster');
  const log = pino({ level: 'error' }, pino.destination({ fd: 2, sync: true }));
  const supervisor = createSupervisor({ run, log });
  t.teardown(async () => {
    await supervisor.stopAll();
    await takeDown(run);
  });
  return startApi({ supervisor, programs, folder: join(run.path, 'api'), apiServerArgs });
}

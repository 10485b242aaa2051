import type { ExecutionContext } from 'ava';
import { pino } from 'pino';
import { createSupervisor } from '../../cloverctl/supervisor/processes.ts';
import { createRunFolder } from '../../cloverctl/supervisor/run-record.ts';
import { sweep, takeDown } from '../../cloverctl/supervisor/sweep.ts';
import type { RunSite } from '../../cloverctl/supervisor/with-run.ts';
import { leaveOut } from './leave-out.ts';
import {
  builtTier,
  startTier,
  tierMinutes,
  whyNotHere,
  type TierName,
  type Tiers,
} from './tiers.ts';

/**
 * Why tests leave a tier out; undefined when it can be started. Building takes minutes, and so is asked for by name.
 * @throws Error with the reason in a run that may leave out nothing.
 */
export async function whyLeftOut(tier: TierName = 'api'): Promise<string | undefined> {
  return leaveOut(await whyNotStarted(tier));
}

async function whyNotStarted(tier: TierName): Promise<string | undefined> {
  const leftOut = `the cluster's tier ${tier} is left out:`;
  const why = whyNotHere(tier);
  if (why !== undefined) return `${leftOut} ${why}`;
  if ((await builtTier(tier)) !== undefined) return undefined;
  const build = `npm run cluster -- build --tier ${tier}`;
  return `${leftOut} it is not built (${build}, about ${tierMinutes(tier)} min)`;
}

/** Starts a tier of its own for a test, or for the hook of a file, and takes it down with that. */
export async function withCluster<Name extends TierName = 'api'>(
  t: Pick<ExecutionContext, 'teardown'>,
  tier?: Name,
  apiServerArgs?: readonly string[],
): Promise<Tiers[Name]>;
export async function withCluster(
  t: Pick<ExecutionContext, 'teardown'>,
  tier: TierName = 'api',
  apiServerArgs: readonly string[] = [],
): Promise<Tiers[TierName]> {
  const programs = await builtTier(tier);
  const why = await whyLeftOut(tier);
  if (programs === undefined || why !== undefined) throw new Error(why);
  return startTier(tier, { ...(await beginRun(t)), programs, apiServerArgs });
}

/** Begins a run that is taken down with a test, and takes down what other runs have left. */
export async function beginRun(t: Pick<ExecutionContext, 'teardown'>): Promise<RunSite> {
  await sweep();
  const run = createRunFolder('cluster');
  const log = pino({ level: 'error' }, pino.destination({ fd: 2, sync: true }));
  const supervisor = createSupervisor({ run, log });
  t.teardown(async () => {
    await supervisor.stopAll();
    await takeDown(run);
  });
  return { run, supervisor };
}

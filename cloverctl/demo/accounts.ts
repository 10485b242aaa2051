import { parseArmStamp } from '../../functions/lib/arm-stamp.ts';
import type { LoadReport } from '../../infra/samples/sdc/load-report.ts';
import type { ExperimentRun } from '../../knative/resources/experiment-run.ts';
import { whenReachable } from './follow.ts';
import type { Accounts, StampedCount } from './ledger.ts';
import type { Stage } from './stage.ts';

/** Who is asked for the accounts. */
export interface Observers {
  readonly stage: Pick<Stage, 'client' | 'proxied'>;
  /** The final report of the load generator. */
  readonly load: LoadReport;
  readonly runs: readonly ExperimentRun[];
  /** Unix ms before the first request. */
  readonly since: number;
}

/** Every observer's counts of this moment; undefined while one of them does not answer. */
export async function readAccounts(observers: Observers): Promise<Accounts | undefined> {
  const { stage, load, runs, since } = observers;
  const window = { from: since, to: Date.now() + 60_000 };
  const answers = await whenReachable(() =>
    Promise.all([
      stage.client.evidenceTotals(window),
      stage.client.storedArms(window),
      stage.proxied(),
    ]),
  );
  if (answers === undefined) return undefined;
  const [totals, stored, proxied] = answers;
  const stamped = sentByStamp(load);
  return {
    sent: stamped.counts,
    unattributed: load.unattributed + stamped.unattributed,
    proxied,
    seen: totals
      .filter(({ run }) => run !== '')
      .map(({ run, epoch, arm, block, started }) => ({
        run,
        epoch,
        arm,
        block,
        requests: started,
      })),
    stored,
    runs,
  };
}

/** Sum of the counts. */
export function total(counts: readonly StampedCount[]): number {
  return counts.reduce((sum, { requests }) => sum + requests, 0);
}

/** The load generator's responses by stamp; those without a readable one are unattributed. */
export function sentByStamp(load: LoadReport): {
  readonly counts: readonly StampedCount[];
  readonly unattributed: number;
} {
  const counts: StampedCount[] = [];
  let unattributed = 0;
  for (const { stamp, responses } of load.stamps) {
    const parsed = parseArmStamp(stamp);
    if (parsed === undefined) unattributed += responses;
    else counts.push({ ...parsed, requests: responses });
  }
  return { counts, unattributed };
}

import { request } from 'node:http';
import { text } from 'node:stream/consumers';
import { z } from 'zod';
import type { ApiClient } from '../../functions/api/client.ts';
import { parseArmStamp } from '../../functions/lib/arm-stamp.ts';
import type { LoadReport } from '../../infra/samples/sdc/load-report.ts';
import type { ExperimentRun } from '../../knative/resources/experiment-run.ts';
import { whenReachable } from './follow.ts';
import type { Accounts, StampedCount } from './ledger.ts';

/** Who is asked for the accounts. */
export interface Observers {
  readonly client: ApiClient;
  /** Unix socket of Envoy's admin interface. */
  readonly adminSocket: string;
  /** `<namespace>/<policy>/`, the beginning of the names of the policy's clusters. */
  readonly clusterPrefix: string;
  /** The final report of the load generator. */
  readonly load: LoadReport;
  readonly runs: readonly ExperimentRun[];
  /** Unix ms before the first request. */
  readonly since: number;
}

/** Every observer's counts of this moment; undefined while one of them does not answer. */
export async function readAccounts(observers: Observers): Promise<Accounts | undefined> {
  const { client, load, runs, since } = observers;
  const window = { from: since, to: Date.now() + 60_000 };
  const answers = await whenReachable(() =>
    Promise.all([
      client.evidenceTotals(window),
      client.storedArms(window),
      proxiedRequests(observers.adminSocket, observers.clusterPrefix),
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

const agentLedger = z.looseObject({ attachments: z.looseObject({ attached: z.number() }) });

/** How many pods the agent traces now; undefined while it does not answer. */
export async function tracedPods(agentUrl: string): Promise<number | undefined> {
  try {
    const response = await fetch(`${agentUrl}/ledger`, { signal: AbortSignal.timeout(5_000) });
    return agentLedger.parse(await response.json()).attachments.attached;
  } catch {
    return undefined;
  }
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

const statistics = z.object({
  stats: z.array(z.object({ name: z.string(), value: z.number() }).partial()),
});

/** Requests that Envoy completed, per version of the policy, from its own counters. */
async function proxiedRequests(
  socketPath: string,
  clusterPrefix: string,
): Promise<Map<string, number>> {
  const body = await new Promise<string>((resolve, reject) => {
    const path = '/stats?format=json&filter=upstream_rq_completed$';
    const asked = request({ socketPath, path, agent: false, timeout: 5_000 }, (response) => {
      text(response).then(resolve, reject);
    });
    asked.on('timeout', () => asked.destroy(new Error('the admin interface does not answer')));
    asked.on('error', reject);
    asked.end();
  });
  const counts = new Map<string, number>();
  for (const { name = '', value = 0 } of statistics.parse(JSON.parse(body)).stats) {
    const cluster = /^cluster\.([^.]*)\.upstream_rq_completed$/.exec(name)?.[1];
    if (cluster?.startsWith(clusterPrefix) === true) {
      counts.set(cluster.slice(clusterPrefix.length), value);
    }
  }
  return counts;
}

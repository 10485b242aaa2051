import { readFileSync } from 'node:fs';
import { parse, stringify } from 'yaml';
import { z } from 'zod';
import {
  loadPlan,
  loadReport,
  type LoadPlan,
  type LoadReport,
} from '../../../infra/samples/sdc/load-report.ts';
import type { NodeTier } from '../tiers/node.ts';
import { sdcManifests } from './manifests.ts';

/** Who runs kubectl. */
type Cluster = Pick<NodeTier, 'kubectl'>;

const client = ['-n', 'sdc', 'job/client'] as const;
const job = z.looseObject({
  spec: z.looseObject({
    template: z.looseObject({
      spec: z.looseObject({
        containers: z.tuple([z.looseObject({ args: z.tuple([z.string()]) })]),
      }),
    }),
  }),
});

/** What the client sends, by its manifest. */
export function clientPlan(): z.output<typeof loadPlan> {
  const { containers } = manifest().spec.template.spec;
  return loadPlan.parse(JSON.parse(containers[0].args[0]));
}

/** Starts the client as its manifest has it; resolves when it runs. */
export async function startClient(cluster: Cluster): Promise<void> {
  await cluster.kubectl(['apply', '-f', sdcManifests.client]);
  await cluster.kubectl(['wait', '--for=jsonpath={.status.ready}=1', '--timeout=60s', ...client]);
}

/** Runs the client with a plan of its own; resolves with its last report when it has ended by that. */
export async function runClient(cluster: Cluster, plan: LoadPlan): Promise<LoadReport> {
  const own = manifest();
  own.spec.template.spec.containers[0].args = [JSON.stringify(plan)];
  await cluster.kubectl(['apply', '-f', '-'], stringify(own));
  return lastReport(cluster);
}

/** Asks the client to end as its README says; resolves with its last report. */
export async function endClient(cluster: Cluster): Promise<LoadReport> {
  const end = "process.kill(1, 'SIGTERM')";
  try {
    await cluster.kubectl(['exec', ...client, '--', '/usr/local/bin/node', '-e', end]);
  } catch (error) {
    // A client with nothing open ends at once, and the kernel ends all of its container with it: also the command that asked.
    if (!endedWithIt.safeParse(error).success) throw error;
  }
  return lastReport(cluster);
}

/** SIGKILL, as a shell gives it. */
const endedWithIt = z.looseObject({ code: z.literal(137) });

/** Its last report, once nothing is open any more. */
async function lastReport(cluster: Cluster): Promise<LoadReport> {
  await cluster.kubectl(['wait', '--for=condition=complete', '--timeout=90s', ...client]);
  return loadReport.parse(JSON.parse(await cluster.kubectl(['logs', ...client, '--tail=1'])));
}

function manifest(): z.output<typeof job> {
  return job.parse(parse(readFileSync(sdcManifests.client, 'utf8')));
}

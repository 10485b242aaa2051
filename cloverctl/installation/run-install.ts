import type { InstallOptions } from '../commands/install.ts';
import type { CliEnv } from '../env.ts';
import { writeJson, writeLines } from '../output/print.ts';
import type { Findings } from './discover.ts';
import { install } from './install.ts';
import { openCluster } from './open-cluster.ts';
import { outcomeDocuments, outcomeTeller } from './tell.ts';
import { waitReady } from './wait-ready.ts';

/** Installs or upgrades, and tells it. */
export async function runInstall(
  options: InstallOptions,
  env: CliEnv,
  upgrade: boolean,
): Promise<void> {
  const { namespace, wait, timeout: timeoutMs } = options;
  const dryRun = options.dryRun === true;
  const isText = options.json !== true;
  const waits = wait && !dryRun;
  const tell = (line: string): void => {
    if (isText) writeLines(env, [line]);
  };
  const client = await openCluster(options);
  const { findings, installation, outcomes } = await install({
    ...options,
    client,
    env,
    namespace,
    upgrade,
    dryRun,
    force: options.force === true,
    forceConflicts: options.forceConflicts === true,
    found: (cluster, { knative }) => tell(foundLine(cluster, knative)),
    warn: (line) => env.stderr.write(`warning: ${line}\n`),
    done: outcomeTeller(env, { isText, dryRun }),
    applied: async (places) => {
      if (waits) await waitReady(places, { client, env, timeoutMs, tell });
    },
  });
  const document = {
    namespace,
    version: installation.version,
    knative: installation.knative,
    cluster: findings,
    dryRun,
    changes: outcomeDocuments(outcomes),
  };
  if (!isText) writeJson(env, { ...document, ready: waits });
  else if (waits) writeLines(env, [`Clover ${installation.version} is ready in ${namespace}.`]);
}

function foundLine({ version, serving, eventing, istio }: Findings, knative: boolean): string {
  const parts = [
    `Kubernetes ${version}`,
    serving === undefined ? 'no Knative Serving' : `Knative Serving ${serving}`,
    eventing === undefined ? 'no Knative Eventing' : `Knative Eventing ${eventing}`,
    istio === undefined ? 'no Istio' : `Istio ${istio}`,
  ];
  const form = knative ? 'functions as Knative Services' : 'all functions in one process';
  return `${parts.join(', ')}: ${form}`;
}

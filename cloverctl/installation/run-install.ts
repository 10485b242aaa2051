import type { InstallOptions } from '../commands/install.ts';
import type { CliEnv } from '../env.ts';
import { writeJson, writeLines } from '../output/print.ts';
import { podAsker } from './ask-pod.ts';
import { clickHouseAnswer, type ClickHouseAnswer } from './clickhouse-answer.ts';
import { watchClickHouse } from './clickhouse-watch.ts';
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
  const warn = (line: string): void => {
    env.stderr.write(`warning: ${line}\n`);
  };
  const ask = podAsker(options);
  let clickhouse: ClickHouseAnswer | undefined;
  const { findings, installation, outcomes } = await install({
    ...options,
    client,
    env,
    namespace,
    upgrade,
    dryRun,
    timeoutMs,
    force: options.force === true,
    forceConflicts: options.forceConflicts === true,
    found: (cluster, { knative }) => tell(foundLine(cluster, knative)),
    warn,
    done: outcomeTeller(env, { isText, dryRun }),
    applied: async (places, applied) => {
      if (!waits) return;
      const ready = waitReady(places, { client, env, timeoutMs, tell });
      const answer = watchClickHouse(() => clickHouseAnswer({ client, ask }, applied), ready, env);
      [clickhouse] = await Promise.all([answer, ready]);
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
  if (!isText) writeJson(env, { ...document, ready: waits, clickhouse });
  else if (waits) writeLines(env, [`Clover ${installation.version} is ready in ${namespace}.`]);
  if (clickhouse !== undefined && clickhouse.state !== 'answers') warn(doubtOf(clickhouse));
}

/** Though all is ready, spans may not be stored. */
function doubtOf({ state, why }: Exclude<ClickHouseAnswer, { readonly state: 'answers' }>): string {
  return state === 'silent'
    ? `ClickHouse does not answer: ${why}. Until it does, agents keep spans; "cloverctl doctor" asks again`
    : `it is not known whether ClickHouse answers: ${why}`;
}

function foundLine({ version, serving, eventing, istio }: Findings, knative: boolean): string {
  const parts = [
    `Kubernetes ${version}`,
    partText('Knative Serving', serving),
    partText('Knative Eventing', eventing),
    partText('Istio', istio),
  ];
  const form = knative ? 'functions as Knative Services' : 'all functions in one process';
  return `${parts.join(', ')}: ${form}`;
}

function partText(name: string, version: string | undefined): string {
  if (version === undefined) return `no ${name}`;
  return version === 'unknown' ? `${name} of an unknown version` : `${name} ${version}`;
}

import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { pino } from 'pino';
import { z } from 'zod';
import {
  createKubeClient,
  type KubeClient,
} from '../../../functions/resources/kubernetes/client.ts';
import { kubeconfigConnection } from '../../../functions/resources/kubernetes/kubeconfig.ts';
import { everything } from '../../cloverctl/installation/cluster.ts';
import { runCli, type CliResult } from '../../cloverctl/run-cli.ts';
import { startReceiver, type Receiver } from '../knative/receiver.ts';
import { ownSources, type CloverSources } from '../clover-images.ts';
import type { KnativeTier } from '../tiers/knative.ts';
import type { NodeTier } from '../tiers/node.ts';
import { withCluster } from '../with-cluster.ts';
import { startClusterClickHouse, type ClusterClickHouse } from './clickhouse.ts';
import { readNodeLedger, type NodeLedger } from './node-agent.ts';
import { importEcho } from './pods.ts';
import { cloverNamespace, prepareInstallation, type Surroundings } from './prepare.ts';

/** A cluster that has what docs/install.md asks for, and a cloverctl for it. */
export interface NodeStage {
  readonly tier: NodeTier;
  readonly client: KubeClient;
  readonly clickhouse: ClusterClickHouse;
  /** Path of the settings. */
  readonly settings: string;
  /** Everything that was in the cluster before. */
  readonly before: readonly string[];
  readonly cloverctl: (...args: readonly string[]) => Promise<CliResult>;
  /** The one of the Clover that is installed first. */
  readonly cloverctlBefore: NodeStage['cloverctl'];
}

/** The same with Knative. */
export interface Stage extends NodeStage {
  readonly tier: KnativeTier;
  readonly deadLetters: Receiver;
}

/**
 * Starts it.
 * @param ends takes what ends it, the last first.
 * @param chosen settings of the installation beside those that it needs: docs/install.md.
 * @param sourcesIn of the Clover that is installed first, where it is not the one that is tested; gets a folder for them.
 */
export async function startStage(
  ends: (() => unknown)[],
  chosen: Readonly<Record<string, unknown>> = {},
  sourcesIn?: (folder: string) => Promise<CloverSources>,
): Promise<Stage> {
  const tier = await withCluster({ teardown: (end) => ends.push(end) }, 'knative');
  const deadLetters = await startReceiver(tier.network.host);
  ends.push(() => deadLetters.close());
  const sources = await sourcesIn?.(join(tier.folder, 'clover-before'));
  const surroundings = { deadLetters: deadLetters.url, settings: chosen };
  return { ...(await setStage(ends, tier, surroundings, sources)), tier, deadLetters };
}

/** Starts one without Knative: all functions are in one process. Its parameters are those of {@link startStage}. */
export async function startOneProcessStage(
  ends: (() => unknown)[],
  prepare: (tier: NodeTier) => Promise<void>,
  sourcesIn: (folder: string) => Promise<CloverSources>,
): Promise<NodeStage> {
  const tier = await withCluster({ teardown: (end) => ends.push(end) }, 'node');
  await prepare(tier);
  const sources = await sourcesIn(join(tier.folder, 'clover-before'));
  return setStage(ends, tier, { oneProcess: true }, sources);
}

async function setStage(
  ends: (() => unknown)[],
  tier: NodeTier,
  surroundings: Omit<Surroundings, 'clickhouse' | 'sources'>,
  sources: CloverSources = ownSources,
): Promise<NodeStage> {
  const log = pino({ level: 'error' }, pino.destination({ fd: 2, sync: true }));
  const clickhouse = await startClusterClickHouse(tier, log);
  ends.push(() => clickhouse.stop());
  const settings = await prepareInstallation(tier, { ...surroundings, clickhouse, sources });
  await importEcho(tier);
  const client = createKubeClient(await kubeconfigConnection(tier.kubeconfig));
  const cloverctlOf =
    ({ folder }: CloverSources): NodeStage['cloverctl'] =>
    (...args) =>
      runCli(args, {
        variables: { KUBECONFIG: tier.kubeconfig },
        program: join(folder, 'cloverctl/bin.mjs'),
      });
  return {
    tier,
    client,
    clickhouse,
    settings,
    before: await everything(client),
    cloverctl: cloverctlOf(ownSources),
    cloverctlBefore: cloverctlOf(sources),
  };
}

/** Applies objects as a user does. */
export function apply(
  { tier }: Pick<NodeStage, 'tier'>,
  ...items: readonly object[]
): Promise<string> {
  const list = { apiVersion: 'v1', kind: 'List', items };
  return tier.kubectl(
    // The API server checks it: to ask for all schemas takes kubectl half a minute on a busy machine.
    ['apply', '--server-side', '--validate=false', '-f', '-'],
    JSON.stringify(list),
  );
}

/** The node's ledger, once it is as a test waits for. */
export async function ledgerWhen(
  { tier }: Pick<NodeStage, 'tier'>,
  isSo: (ledger: NodeLedger) => boolean,
): Promise<NodeLedger> {
  for (;;) {
    const ledger = await readNodeLedger(tier);
    if (isSo(ledger)) return ledger;
    await sleep(100);
  }
}

/** Everything that was traced is stored. */
export const isSettled = ({ capture: { requests }, sink }: NodeLedger): boolean =>
  requests.open === 0 && sink.accepted.spans === requests.spans;

/** Spans in ClickHouse by kind, of one path. */
export async function spansOf(
  { clickhouse }: Pick<NodeStage, 'clickhouse'>,
  path: string,
): Promise<Record<string, number>> {
  const query = `SELECT toString(kind) AS kind, count(DISTINCT trace_id, span_id) AS spans FROM spans WHERE path = '${path}' GROUP BY kind`;
  const row = z.object({ kind: z.string(), spans: z.coerce.number() });
  const rows = await clickhouse.rows(query, row);
  return Object.fromEntries(rows.map(({ kind, spans }) => [kind, spans]));
}

/** The same once there are as many of SERVER and CLIENT, or what there is a minute later. */
export async function spansWhen(
  stage: Pick<NodeStage, 'clickhouse'>,
  path: string,
  each: number,
): Promise<Record<string, number>> {
  const until = performance.now() + 60_000;
  for (;;) {
    const found = await spansOf(stage, path);
    const isWhole = ['Server', 'Client'].every((kind) => (found[kind] ?? 0) >= each);
    if (isWhole || performance.now() > until) return found;
    await sleep(500);
  }
}

const podList = z.object({
  items: z.array(
    z.object({
      metadata: z.object({
        labels: z.record(z.string(), z.string()),
        deletionTimestamp: z.string().optional(),
      }),
    }),
  ),
});

/** How many pods each part of Clover has, without those that are to end. */
export async function podsOf({
  client,
}: Pick<NodeStage, 'client'>): Promise<ReadonlyMap<string, number>> {
  const path = `/api/v1/namespaces/${cloverNamespace}/pods`;
  const { items } = podList.parse(await client.call({ method: 'GET', path }));
  const names = items
    .filter(({ metadata }) => metadata.deletionTimestamp === undefined)
    .map(({ metadata }) => metadata.labels['app.kubernetes.io/name'] ?? '');
  return new Map([...Map.groupBy(names, (name) => name)].map(([name, all]) => [name, all.length]));
}

/** Resolves when as many pods are there as are waited for. */
export async function podsWhen(
  stage: Pick<NodeStage, 'client'>,
  isSo: (running: (name: string) => number) => boolean,
): Promise<void> {
  for (;;) {
    const found = await podsOf(stage);
    if (isSo((name) => found.get(name) ?? 0)) return;
    await sleep(500);
  }
}

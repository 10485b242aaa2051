import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { ExecutionContext } from 'ava';
import { z } from 'zod';
import { eventTypes } from '../../knative/events.ts';
import { catalogue } from '../../knative/catalogue.ts';
import type { ExperimentRun } from '../../knative/resources/experiment-run.ts';
import type { Experiment } from '../../knative/resources/experiment.ts';
import { createEvaluate } from '../../functions/evaluate/function.ts';
import type { EvidenceStore } from '../../functions/evidence/evidence-store.ts';
import { createSqliteEvidenceStore } from '../../functions/evidence/sqlite-evidence-store.ts';
import type { CloverFunction } from '../../functions/host/function.ts';
import { systemClock } from '../../functions/lib/clock.ts';
import { createEnvoyTarget } from '../../functions/mesh/envoy/envoy-target.ts';
import {
  createMemoryGateway,
  type MemoryGateway,
} from '../../functions/mesh/envoy/memory-gateway.ts';
import { createSqliteSnapshotStore } from '../../functions/mesh/envoy/sqlite-snapshot-store.ts';
import { createPolicy } from '../../functions/policy/function.ts';
import type { KubeClient } from '../../functions/resources/kubernetes/client.ts';
import { createKubernetesStore } from '../../functions/resources/kubernetes/kubernetes-store.ts';
import type { ResourceStore } from '../../functions/resources/store.ts';
import { eventOf, handle, temporaryFolder } from '../functions/host/helpers.ts';
import { served, token } from '../functions/host/serving.ts';
import { createRandom, createNormal } from '../functions/evaluate/helpers/random.ts';
import { toCells, type Seen } from '../functions/evaluate/helpers/cells.ts';

/** Clover on a Kubernetes API, with a gateway in memory and an agent that counts made-up traffic through it. */
export interface Stand {
  readonly resources: ResourceStore;
  readonly evidence: EvidenceStore;
  readonly gateway: MemoryGateway;
  readonly evaluate: CloverFunction;
  readonly policy: CloverFunction;
  readonly namespace: string;
  /** Share of the variant in what the gateway has, in percent; undefined while no run is in it. */
  weight(): number | undefined;
  /** Counts a second of traffic; the judge hears of it. */
  report(): Promise<void>;
  /** A tick of every schedule, for both functions. */
  tick(): Promise<void>;
  experiment(): Promise<Experiment | undefined>;
  run(): Promise<ExperimentRun | undefined>;
}

/** Options of {@link openStand}. */
export interface StandOptions {
  readonly client: KubeClient;
  readonly namespace: string;
  /** Another judge on the same evidence. */
  readonly evidence?: EvidenceStore;
}

const perSecond = 3_000;

/** Opens the stores and makes the functions; nothing runs by itself. */
export async function openStand(
  t: ExecutionContext,
  { client, namespace, evidence: shared }: StandOptions,
): Promise<Stand> {
  const clock = systemClock;
  const folder = await temporaryFolder(t);
  const resources = createKubernetesStore(client);
  const evidence = shared ?? createSqliteEvidenceStore({ path: join(folder, 'evidence.db') });
  const snapshots = createSqliteSnapshotStore({ path: join(folder, 'snapshots.db'), clock });
  const gateway = createMemoryGateway();
  const evaluate = createEvaluate({ resources, evidence, clock });
  const target = createEnvoyTarget({ snapshots, gateway });
  const policy = createPolicy({ resources, target, clock });
  const agent = createAgent(gateway);
  t.teardown(async () => {
    await resources.close();
    await snapshots.close();
    if (shared === undefined) await evidence.close();
  });
  const runs = async (): Promise<readonly ExperimentRun[]> =>
    (await resources.list('ExperimentRun', namespace)).items;
  return {
    resources,
    evidence,
    gateway,
    evaluate,
    policy,
    namespace,
    weight: () => inForce(gateway)?.weight,
    report: async () => void (await handle(evaluate, agent())),
    tick: async () => {
      await handle(policy, tickOf('policy-resync'));
      await handle(evaluate, tickOf('evaluate-resync'));
      await handle(policy, tickOf('policy-resync'));
    },
    experiment: () => resources.get('Experiment', namespace, 'exp'),
    run: async () => (await runs()).at(-1),
  };
}

/** Serves both functions with the broker, the scheduler and the events of resources; the agent reports each second. */
export async function serveStand(t: ExecutionContext, stand: Stand): Promise<void> {
  const { evaluate, policy, resources } = stand;
  const serving = await served(
    t,
    [evaluate, policy],
    catalogue.filter(({ name }) => name === 'evaluate' || name === 'policy'),
    resources,
  );
  const agent = createAgent(stand.gateway);
  const post = async (): Promise<void> => {
    const { id, source, type, data } = agent();
    await fetch(`${serving.url}/broker`, {
      method: 'POST',
      headers: {
        authorization: `Bearer ${token}`,
        'content-type': 'application/json',
        'ce-specversion': '1.0',
        'ce-id': id,
        'ce-source': source,
        'ce-type': type,
      },
      body: data.toString(),
    });
  };
  const timer = setInterval(() => void post().catch(() => undefined), 1_000);
  t.teardown(() => clearInterval(timer));
}

const tickOf = (schedule: string) =>
  eventOf({
    id: crypto.randomUUID(),
    type: eventTypes.tick,
    source: '/scheduler',
    data: Buffer.from(JSON.stringify({ schedule, at: Date.now() })),
  });

interface InForce {
  readonly run: string;
  readonly epoch: number;
  readonly weight: number;
}

const destination = z.looseObject({
  weight: z.number(),
  request_headers_to_add: z.array(
    z.looseObject({ header: z.looseObject({ key: z.string(), value: z.string() }) }),
  ),
});

/** Every destination below a value, wherever it is. */
function destinationsIn(value: unknown): z.output<typeof destination>[] {
  const parsed = destination.safeParse(value);
  if (parsed.success) return [parsed.data];
  if (typeof value !== 'object' || value === null) return [];
  return Object.values(value).flatMap((inner: unknown) => destinationsIn(inner));
}

/** The run's stamp in the gateway's newest snapshot, and what share of the traffic is the variant's. */
function inForce({ applied }: MemoryGateway): InForce | undefined {
  const weights = new Map<string, number>();
  let found: Omit<InForce, 'weight'> | undefined;
  for (const { weight, request_headers_to_add: headers } of destinationsIn(
    applied.at(-1)?.resources,
  )) {
    const stamp = headers.find(({ header }) => header.key === 'x-clover-arm')?.header.value ?? '';
    const [run = '-', epoch = '', arm = ''] = stamp.split('.');
    if (run === '-') continue;
    weights.set(arm, weight);
    found = { run, epoch: Number(epoch) };
  }
  if (found === undefined) return undefined;
  const [control = 0, variant = 0] = [weights.get('control'), weights.get('variant')];
  return { ...found, weight: (100 * variant) / (control + variant) };
}

/** Resolves once the condition holds; the test's own time limit is the only one. An API server that is away does not hold. */
export async function until(condition: () => Promise<boolean>): Promise<void> {
  while (!(await condition().catch(() => false))) await sleep(100);
}

/** Reports a second of traffic, cut by what the gateway has. */
function createAgent(gateway: MemoryGateway) {
  const random = createRandom(7);
  const normal = createNormal(random);
  const boot = crypto.randomUUID();
  let sequence = 0;
  return () => {
    const now = Date.now();
    const block = Math.floor(now / 1_000) - 1;
    const stamp = inForce(gateway);
    const requests = Array.from({ length: perSecond }, (): Seen => {
      const latency = 0.002 * Math.exp(0.4 * normal());
      if (stamp === undefined) return { run: '-', epoch: 1, arm: 'v1', block, latency };
      const arm = random() * 100 < stamp.weight ? 'variant' : 'control';
      return { run: stamp.run, epoch: stamp.epoch, arm, block, latency };
    });
    sequence += 1;
    const report = {
      sequence,
      watermarkMs: (block + 1) * 1_000,
      openTimeoutMs: 10_000,
      cells: toCells(requests, sequence),
    };
    return eventOf({
      id: `${boot} ${sequence}`,
      type: eventTypes.evidence,
      source: `/nodes/n1/${boot}`,
      data: Buffer.from(JSON.stringify(report)),
    });
  };
}

/** A policy with everything on v1. */
export async function applyPolicy({ resources, namespace }: Stand, host = '*'): Promise<void> {
  await resources.applySpec(
    {
      kind: 'TrafficPolicy',
      metadata: { name: 'proxy', namespace },
      spec: {
        target: { host, port: 80 },
        versions: ['v1', 'v2'].map((name, index) => ({
          name,
          endpoints: [{ address: `198.18.0.${index + 1}`, port: 80 }],
        })),
        rules: [{ split: [{ version: 'v1', weight: 100 }] }],
      },
    },
    { manager: 'user' },
  );
}

/** An experiment that two or three seconds of the stand's traffic decide. */
export async function applyExperiment(
  { resources, namespace }: Stand,
  more: Readonly<Record<string, unknown>> = {},
): Promise<void> {
  const metrics = [
    { type: 'latency', margin: 0.2 },
    { type: 'errors', margin: 0.2, floor: 0.05 },
  ];
  await resources.applySpec(
    {
      kind: 'Experiment',
      metadata: { name: 'exp', namespace },
      spec: {
        targetRef: { name: 'proxy' },
        control: 'v1',
        variant: 'v2',
        plan: [{ weight: 20, hold: '1s' }, { weight: 50 }],
        warmUp: '1s',
        watchAfter: { duration: '1s' },
        metrics,
        ...more,
      },
    },
    { manager: 'user' },
  );
}

import { mkdirSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import type { Logger } from 'pino';
import { catalogue, webhookEntry, webhookName } from '../../knative/catalogue.ts';
import { createTraceDecoder } from '../../native/codec/codec.ts';
import { createClickHouseStore } from '../analytics/clickhouse-store.ts';
import type { AnalyticsStore } from '../analytics/store.ts';
import { createApi } from '../api/function.ts';
import type { Guard } from '../resources/kubernetes/guard.ts';
import { createKubernetesGuard } from '../resources/kubernetes/kubernetes-guard.ts';
import { createEvaluate } from '../evaluate/function.ts';
import { createSqliteEvidenceStore } from '../evidence/sqlite-evidence-store.ts';
import { createIngest } from '../ingest/function.ts';
import type { Clock } from '../lib/clock.ts';
import { CloverError } from '../lib/errors.ts';
import { version } from '../lib/version.ts';
import { createNotify } from '../notify/function.ts';
import { createWebhooks } from '../notify/webhook.ts';
import { createEnvoyValidator } from '../mesh/envoy/validator.ts';
import { createFileXdsGateway } from '../mesh/envoy/file-xds-gateway.ts';
import { createEnvoyTarget } from '../mesh/envoy/envoy-target.ts';
import { createSqliteSnapshotStore } from '../mesh/envoy/sqlite-snapshot-store.ts';
import { createIstioTarget } from '../mesh/istio/istio-target.ts';
import { createNoMeshTarget } from '../mesh/no-mesh-target.ts';
import { createPolicy } from '../policy/function.ts';
import { createSqliteEventRecorder } from '../records/sqlite-event-recorder.ts';
import { createKubernetesStore } from '../resources/kubernetes/kubernetes-store.ts';
import { listAll } from '../resources/list-all.ts';
import { createLocalStore } from '../resources/local-store.ts';
import { createBearerCheck } from './bearer.ts';
import type { HostConfig } from './config.ts';
import type { CloverFunction } from './function.ts';
import { podNamespace } from './function-settings.ts';
import type { AdmitScraper } from './listener.ts';
import { openCluster } from './open-cluster.ts';
import { cannotOpen } from './problem.ts';
import { serve, type Serving } from './serve.ts';
import type { Telemetry } from './telemetry.ts';
import { agentStatus, observeAgents } from './telemetry/agents.ts';
import { observeControlPlane } from './telemetry/collect.ts';

/** Options of {@link composeControlPlane}. */
export interface ComposeOptions {
  readonly config: HostConfig;
  readonly clock: Clock;
  readonly log: Logger;
  readonly telemetry: Telemetry;
  /** The process cannot go on. */
  readonly onFatal: (error: unknown) => void;
}

/** Every function in one process. */
export interface ControlPlane {
  readonly serving: Serving;
  /** Closes the stores; after the drain. */
  release(): Promise<void>;
}

const migrateRetryMs = 2_000;

/**
 * The one-process mode: the whole catalogue; objects may be a cluster's, all else is on local stores. ClickHouse may be down: until it is up, ingest
 * answers 503 and everything else works.
 */
export async function composeControlPlane(options: ComposeOptions): Promise<ControlPlane> {
  const { config, clock, log, telemetry, onFatal } = options;
  mkdirSync(config.dataDir, { recursive: true, mode: 0o700 });
  const file = (name: string): string => join(config.dataDir, name);

  const cluster = config.resources && (await openCluster(config.resources));
  const resources =
    cluster === undefined
      ? opened(file('resources.db'), (path) => createLocalStore({ path, clock }))
      : createKubernetesStore(cluster);
  const evidence = opened(file('evidence.db'), (path) => createSqliteEvidenceStore({ path }));
  const analytics = createClickHouseStore(config.clickhouse, { log });
  const gateway = config.gateway === undefined ? undefined : openGateway(config.gateway, clock);
  const snapshots =
    gateway === undefined
      ? undefined
      : opened(file('snapshots.db'), (path) => createSqliteSnapshotStore({ path, clock }));

  const target =
    gateway !== undefined && snapshots !== undefined
      ? createEnvoyTarget({ snapshots, gateway })
      : config.istio !== undefined && cluster !== undefined
        ? createIstioTarget({ client: cluster, clock, ...config.istio })
        : createNoMeshTarget('nobody programs traffic: no gateway and no Istio is configured');

  const records = opened(file('records.db'), (path) =>
    createSqliteEventRecorder({ path, clock, instance: hostname() }),
  );
  const agents = {
    agents: (since: number) => evidence.sources(since),
    now: () => clock.now(),
  };
  const started = Promise.withResolvers<Serving>();
  // A process outside of the cluster is in no namespace of it.
  const isPod = config.resources?.kubernetes.kubeconfig === undefined;
  const guard =
    cluster &&
    createKubernetesGuard(cluster, {
      log,
      known: createKnownCallers(config),
      ...(isPod && { namespace: podNamespace }),
    });
  const functions: CloverFunction[] = [
    createApi({
      resources,
      analytics,
      evidence,
      clock,
      version,
      records,
      ...(guard && { guard }),
      broker: async () => (await started.promise).admin,
      status: async () => ({
        ...(await (await started.promise).counters()),
        ...(await agentStatus(agents)),
      }),
    }),
    createEvaluate({ resources, evidence, clock }),
    createIngest({ analytics, decoder: createTraceDecoder(), clock }),
    createNotify({ resources, records, clock }),
    createPolicy({ resources, target, clock }),
  ];
  functions.push(...createWebhooks(config.notifications, clock));
  const webhooks = config.notifications.map(({ url, types }) =>
    webhookEntry(webhookName(url), types),
  );

  const serving = await serve({
    functions,
    catalogue: [...catalogue, ...webhooks],
    brokerPath: file('broker.db'),
    resources,
    token: config.token,
    ...(config.agentToken === undefined ? {} : { agentToken: config.agentToken }),
    admitScraper: createScraperCheck(config, guard),
    listen: config.listen,
    corsOrigins: config.cors.origins,
    clock,
    log,
    telemetry,
    onFatal,
  });
  observeControlPlane(telemetry, {
    broker: () => serving.brokerCounters(),
    functions: () => serving.counters(),
    experiments: () => listAll(resources, 'Experiment'),
    runs: () => listAll(resources, 'ExperimentRun'),
    now: () => clock.now(),
  });
  observeAgents(telemetry, agents);
  started.resolve(serving);

  const stop = new AbortController();
  const migrating = migrateInBackground(analytics, clock, log, stop.signal);
  return {
    serving,
    release: async () => {
      stop.abort();
      gateway?.close();
      await Promise.all([
        analytics.close(),
        evidence.close(),
        records.close(),
        resources.close(),
        snapshots?.close(),
        migrating,
      ]);
    },
  };
}

/** Who has a token of the control plane itself, and so not one of the cluster; what agents may ask for the host has seen to. */
function createKnownCallers({
  token,
  agentToken,
}: HostConfig): (authorization: string | undefined) => string | undefined {
  const isOwner = createBearerCheck(token);
  const isAgent = createBearerCheck(agentToken ?? token);
  return (authorization) => {
    if (isOwner(authorization)) return 'the token of the control plane';
    return isAgent(authorization) ? 'the token of agents' : undefined;
  };
}

/** Who has the token for it, and in a cluster who may `get` the path there, as with Kubernetes' own components. */
function createScraperCheck({ metricsToken }: HostConfig, guard: Guard | undefined): AdmitScraper {
  const isScraper = metricsToken === undefined ? undefined : createBearerCheck(metricsToken);
  return async (authorization) => {
    if (isScraper?.(authorization) === true) return;
    if (guard !== undefined) return guard.admit(authorization, [{ verb: 'get', path: '/metrics' }]);
    throw new CloverError('CLV_UNAUTHORIZED', "send Authorization: Bearer with the host's token");
  };
}

/** SQLite does not say which file it could not open. */
function opened<T>(path: string, open: (path: string) => T): T {
  try {
    return open(path);
  } catch (cause) {
    throw cannotOpen(path, cause);
  }
}

function openGateway(
  { xdsDir, adminSocket, envoy }: NonNullable<HostConfig['gateway']>,
  clock: Clock,
): ReturnType<typeof createFileXdsGateway> {
  const explain = envoy === undefined ? {} : { explain: createEnvoyValidator({ binary: envoy }) };
  return createFileXdsGateway({ xdsDir, adminSocket, clock, ...explain });
}

async function migrateInBackground(
  analytics: AnalyticsStore,
  clock: Clock,
  log: Logger,
  signal: AbortSignal,
): Promise<void> {
  while (!signal.aborted) {
    try {
      await analytics.migrate();
      return;
    } catch (error) {
      log.warn({ err: error }, 'analytics is not there yet');
      await clock.sleep(migrateRetryMs, signal).catch(() => undefined);
    }
  }
}

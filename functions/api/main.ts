import { catalogue } from '../../knative/catalogue.ts';
import { tokensMount } from '../../knative/render/function-tokens.ts';
import { createClickHouseStore } from '../analytics/clickhouse-store.ts';
import { createClickHouseDeadLetters } from '../dead-letters/clickhouse-dead-letters.ts';
import { createReplay } from '../dead-letters/replay.ts';
import { createClickHouseEvidenceStore } from '../evidence/clickhouse-evidence-store.ts';
import { asksSenders } from '../host/event-guard.ts';
import { functionLog } from '../host/function-log.ts';
import { clickHouseSettings, clusterClient, podNamespace } from '../host/function-settings.ts';
import { runFunction } from '../host/run-function.ts';
import { startOrExit } from '../host/start-or-exit.ts';
import { agentStatus } from '../host/telemetry/agents.ts';
import { systemClock } from '../lib/clock.ts';
import { version } from '../lib/version.ts';
import { createKubernetesEvents } from '../records/kubernetes-events.ts';
import { connect } from '../resources/kubernetes/client.ts';
import { createKubernetesStore } from '../resources/kubernetes/kubernetes-store.ts';
import { createApi } from './function.ts';
import { createKubernetesGuard } from '../resources/kubernetes/kubernetes-guard.ts';

/** `api` as a process of its own: without the tail of a broker, which is Knative's own there. */
async function main(): Promise<void> {
  const log = functionLog('api');
  const clock = systemClock;
  const settings = clickHouseSettings();
  const analytics = createClickHouseStore(settings, { log });
  const evidence = createClickHouseEvidenceStore(settings, { clock, log });
  const client = clusterClient();
  const resources = createKubernetesStore(client);
  const records = createKubernetesEvents(client);
  const agents = { agents: (since: number) => evidence.sources(since), now: () => clock.now() };
  const letters = createClickHouseDeadLetters(settings, { log });
  const deadLetters = createReplay({
    store: letters,
    catalogue,
    sinkOf: (name) => ({
      // The name that Serving gives to every function, without the domain of the cluster.
      url: `http://${name}.${podNamespace()}.svc`,
      tokenFile: asksSenders(process.env) ? `${tokensMount}/${name}` : undefined,
    }),
  });
  const api = createApi({
    resources,
    analytics,
    evidence,
    records,
    deadLetters: async () => deadLetters,
    guard: createKubernetesGuard(client, { log, namespace: podNamespace }),
    clock,
    version,
    status: () => agentStatus(agents),
  });
  const close = async (): Promise<void> => {
    await api.close?.();
    await Promise.all([
      analytics.close(),
      evidence.close(),
      letters.close(),
      resources.close(),
      records.close(),
    ]);
  };
  const warmUp = async (): Promise<void> => {
    await connect(client);
    // Then, and not at once: what V8 makes of the router is not the same every time, and a bundle is baked where nobody answers.
    await api.routes();
  };
  await runFunction({ ...api, close }, { log, warmUp });
}

startOrExit(main);

import { createClickHouseEvidenceStore } from '../evidence/clickhouse-evidence-store.ts';
import { functionLog } from '../host/function-log.ts';
import { clickHouseSettings, clusterClient, podNamespace } from '../host/function-settings.ts';
import { withOwnTicks } from '../host/own-ticks.ts';
import { runFunction } from '../host/run-function.ts';
import { startOrExit } from '../host/start-or-exit.ts';
import { systemClock } from '../lib/clock.ts';
import { createKubernetesStore } from '../resources/kubernetes/kubernetes-store.ts';
import { ownSchedulesOf } from '../../knative/render/function-table.ts';
import { createEvaluate } from './function.ts';

/** `evaluate` as a process of its own. */
async function main(): Promise<void> {
  const log = functionLog('evaluate');
  const clock = systemClock;
  const evidence = createClickHouseEvidenceStore(clickHouseSettings(), { clock, log });
  const client = clusterClient();
  const resources = createKubernetesStore(client);
  const close = async (): Promise<void> => {
    await Promise.all([evidence.close(), resources.close()]);
  };
  const evaluate = createEvaluate({ resources, evidence, clock });
  // Whoever runs it without Knative has other ticks.
  const isOnKnative = process.env['K_SERVICE'] !== undefined;
  const ticking = isOnKnative
    ? withOwnTicks(evaluate, {
        client,
        namespace: podNamespace(),
        schedules: ownSchedulesOf('evaluate'),
      })
    : evaluate;
  await runFunction({ ...ticking, close }, { log });
}

startOrExit(main);

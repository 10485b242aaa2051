import { createClickHouseEvidenceStore } from '../evidence/clickhouse-evidence-store.ts';
import { eventGuard } from '../host/event-guard.ts';
import { functionLog } from '../host/function-log.ts';
import { clickHouseSettings, clusterClient } from '../host/function-settings.ts';
import { onKnative } from '../host/own-ticks.ts';
import { runFunction } from '../host/run-function.ts';
import { startOrExit } from '../host/start-or-exit.ts';
import { systemClock } from '../lib/clock.ts';
import { connect } from '../resources/kubernetes/client.ts';
import { createKubernetesStore } from '../resources/kubernetes/kubernetes-store.ts';
import { createEvaluate } from './function.ts';

/** Runs are looked at every second: a ClickHouse that takes this long for an answer does not answer, ms. */
const evidenceTimeoutMs = 10_000;

/** `evaluate` as a process of its own. */
async function main(): Promise<void> {
  const log = functionLog('evaluate');
  const clock = systemClock;
  const settings = { ...clickHouseSettings(), timeoutMs: evidenceTimeoutMs };
  const evidence = createClickHouseEvidenceStore(settings, { clock, log });
  const client = clusterClient();
  const resources = createKubernetesStore(client);
  const close = async (): Promise<void> => {
    await Promise.all([evidence.close(), resources.close()]);
  };
  const evaluate = onKnative(createEvaluate({ resources, evidence, clock }), client);
  await runFunction(
    { ...evaluate, close },
    { log, admitSender: eventGuard(client, 'evaluate'), warmUp: () => connect(client) },
  );
}

startOrExit(main);

import { hostname } from 'node:os';
import { eventGuard } from '../host/event-guard.ts';
import { functionLog } from '../host/function-log.ts';
import { clickHouseSettings, clusterClient } from '../host/function-settings.ts';
import { parseNotifications } from '../host/notifications-config.ts';
import { runFunction } from '../host/run-function.ts';
import { startOrExit } from '../host/start-or-exit.ts';
import { systemClock } from '../lib/clock.ts';
import { createClickHouseTransitions } from '../records/clickhouse-transitions.ts';
import { createKubernetesEventRecorder } from '../records/kubernetes-event-recorder.ts';
import { connect } from '../resources/kubernetes/client.ts';
import { createKubernetesStore } from '../resources/kubernetes/kubernetes-store.ts';
import { createNotify } from './function.ts';
import { createWebhooks } from './webhook.ts';

/** `notify` as a process of its own, with the webhooks that the variable NOTIFICATIONS names. */
async function main(): Promise<void> {
  const log = functionLog('notify');
  const clock = systemClock;
  const client = clusterClient();
  const resources = createKubernetesStore(client);
  const transitions = createClickHouseTransitions(clickHouseSettings(), { log });
  const records = createKubernetesEventRecorder({
    client,
    transitions,
    clock,
    instance: hostname(),
  });
  const close = async (): Promise<void> => {
    await Promise.all([transitions.close(), resources.close()]);
  };
  const webhooks = parseNotifications(process.env['NOTIFICATIONS'] ?? '[]');
  await runFunction(
    { ...createNotify({ resources, records, clock }), close },
    {
      log,
      admitSender: eventGuard(client, 'notify'),
      beside: createWebhooks(webhooks, clock),
      warmUp: () => connect(client),
    },
  );
}

startOrExit(main);

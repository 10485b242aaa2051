import { createTraceDecoder } from '../../native/codec/codec.ts';
import { createClickHouseStore } from '../analytics/clickhouse-store.ts';
import { createClickHouseDeadLetters } from '../dead-letters/clickhouse-dead-letters.ts';
import { createReceiver } from '../dead-letters/receiver.ts';
import { agentAccount, asksSenders } from '../host/event-guard.ts';
import { functionLog } from '../host/function-log.ts';
import {
  clickHouseSettings,
  clusterClient,
  podNamespace,
  type Environment,
} from '../host/function-settings.ts';
import { runFunction, type RunFunctionOptions } from '../host/run-function.ts';
import { createSenderGuard, type Senders } from '../host/sender-guard.ts';
import { startOrExit } from '../host/start-or-exit.ts';
import { systemClock } from '../lib/clock.ts';
import { connect } from '../resources/kubernetes/client.ts';
import { createIngest } from './function.ts';

/**
 * `ingest` as a process of its own: it takes dead letters beside spans, as it is the one that only writes. Spans it takes of the account
 * that AGENT_ACCOUNT names, as an installation says it, and of whoever reaches the port where nothing does; dead letters of Eventing, once it
 * says who it is.
 */
async function main(): Promise<void> {
  const log = functionLog('ingest');
  const settings = clickHouseSettings();
  const analytics = createClickHouseStore(settings, { log });
  const letters = createClickHouseDeadLetters(settings, { log });
  const ingest = createIngest({ analytics, decoder: createTraceDecoder(), clock: systemClock });
  await runFunction(
    {
      ...ingest,
      routes: async (telemetry) => createReceiver(letters, telemetry, log),
      async close() {
        await ingest.close?.();
        await Promise.all([analytics.close(), letters.close()]);
      },
    },
    { log, ...guarded(process.env) },
  );
}

/** An agent of the version before has no token: what it has stays in its spool until its successor, who has one, sends it. */
function guarded(env: Environment): Pick<RunFunctionOptions, 'admitSender' | 'warmUp'> {
  if (env['AGENT_ACCOUNT'] === undefined && !asksSenders(env)) return {};
  const agents = agentAccount(env);
  const client = clusterClient();
  const [namespace, name] = [podNamespace(), 'ingest'];
  const ofDeadLetters = asksSenders(env) ? 'eventing' : 'anybody';
  const sendersTo = (path: string): Senders =>
    path.startsWith('/deadletters/') ? ofDeadLetters : 'agents';
  return {
    admitSender: createSenderGuard({ client, namespace, name, agents, sendersTo }),
    warmUp: () => connect(client),
  };
}

startOrExit(main);

import { createTraceDecoder } from '../../native/codec/codec.ts';
import { createClickHouseStore } from '../analytics/clickhouse-store.ts';
import { createClickHouseDeadLetters } from '../dead-letters/clickhouse-dead-letters.ts';
import { createReceiver } from '../dead-letters/receiver.ts';
import { functionLog } from '../host/function-log.ts';
import { clickHouseSettings } from '../host/function-settings.ts';
import { runFunction } from '../host/run-function.ts';
import { startOrExit } from '../host/start-or-exit.ts';
import { systemClock } from '../lib/clock.ts';
import { createIngest } from './function.ts';

/** `ingest` as a process of its own: it takes dead letters beside spans, as it is the one that only writes. */
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
    { log },
  );
}

startOrExit(main);

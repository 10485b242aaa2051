import { createTraceDecoder } from '../../native/codec/codec.ts';
import { createClickHouseStore } from '../analytics/clickhouse-store.ts';
import { functionLog } from '../host/function-log.ts';
import { clickHouseSettings } from '../host/function-settings.ts';
import { runFunction } from '../host/run-function.ts';
import { startOrExit } from '../host/start-or-exit.ts';
import { systemClock } from '../lib/clock.ts';
import { createIngest } from './function.ts';

/** `ingest` as a process of its own. */
async function main(): Promise<void> {
  const log = functionLog('ingest');
  const analytics = createClickHouseStore(clickHouseSettings(), { log });
  const ingest = createIngest({ analytics, decoder: createTraceDecoder(), clock: systemClock });
  await runFunction(
    {
      ...ingest,
      async close() {
        await ingest.close?.();
        await analytics.close();
      },
    },
    { log },
  );
}

startOrExit(main);

import { pino } from 'pino';
import { z } from 'zod';
import { createTraceDecoder } from '../../native/codec/codec.ts';
import { createClickHouseStore } from '../analytics/clickhouse-store.ts';
import { runFunction } from '../host/run-function.ts';
import { startOrExit } from '../host/start-or-exit.ts';
import { systemClock } from '../lib/clock.ts';
import { CloverError } from '../lib/errors.ts';
import { createIngest } from './function.ts';

/** What the environment says of the store; Knative sets `PORT` beside it. */
const settings = z.object({
  CLICKHOUSE_URL: z.url({ protocol: /^https?$/ }).default('http://127.0.0.1:8123'),
  CLICKHOUSE_USER: z.string().min(1).default('default'),
  CLICKHOUSE_PASSWORD: z.string().default(''),
  CLICKHOUSE_DATABASE: z
    .string()
    .regex(/^\w{1,64}$/)
    .default('clover'),
  LOG_LEVEL: z.enum(['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent']).default('info'),
});

/** `ingest` as a process of its own. */
async function main(): Promise<void> {
  const parsed = settings.safeParse(process.env);
  if (!parsed.success) {
    const problems = parsed.error.issues.map(
      ({ path, message }) => `${path.join('.')}: ${message}`,
    );
    throw new CloverError('CLV_CONFIG_INVALID', problems.join('; '));
  }
  const env = parsed.data;
  const log = pino({ level: env.LOG_LEVEL, base: { function: 'ingest' } });
  const analytics = createClickHouseStore(
    {
      url: env.CLICKHOUSE_URL,
      username: env.CLICKHOUSE_USER,
      password: env.CLICKHOUSE_PASSWORD,
      database: env.CLICKHOUSE_DATABASE,
    },
    { log },
  );
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

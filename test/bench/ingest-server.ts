// The ingest function in a process of its own, behind the host's HTTP edge: the bench's child.
// Reads its options as JSON from argv; sends its port to the parent.
import { createServer } from 'node:http';
import { pino } from 'pino';
import { z } from 'zod';
import { createClickHouseStore } from '../../functions/analytics/clickhouse-store.ts';
import { decodeHttpEvent } from '../../functions/host/cloud-event-http.ts';
import { readBody } from '../../functions/host/read-body.ts';
import { createIngest } from '../../functions/ingest/function.ts';
import { systemClock } from '../../functions/lib/clock.ts';
import { CloverError } from '../../functions/lib/errors.ts';
import { createTraceDecoder } from '../../native/codec/codec.ts';

const options = z
  .strictObject({
    url: z.string(),
    username: z.string(),
    password: z.string(),
    database: z.string(),
  })
  .parse(JSON.parse(process.argv[2] ?? ''));

const log = pino({ level: 'warn' });
const analytics = createClickHouseStore(options, { log });
const ingest = createIngest({ analytics, decoder: createTraceDecoder(), clock: systemClock });
await analytics.migrate();

const server = createServer((request, response) => {
  const serve = async (): Promise<number> => {
    const body = await readBody(request, { bytes: 64 * 1024 ** 2 });
    const event = decodeHttpEvent(request.headersDistinct, body);
    await ingest.onEvent?.(event, { signal: AbortSignal.timeout(30_000), log });
    return 204;
  };
  void serve()
    .catch((error: unknown) => {
      log.error({ err: error });
      return error instanceof CloverError ? error.status : 500;
    })
    .then((status) => response.writeHead(status).end());
});
server.listen(0, '127.0.0.1', () => {
  const address = server.address();
  process.send?.({ port: typeof address === 'object' ? address?.port : 0 });
});

const stop = async (): Promise<void> => {
  server.close();
  await ingest.close?.();
  await analytics.close();
  process.disconnect();
};
process.once('disconnect', () => process.exit(0));
process.once('message', () => void stop());

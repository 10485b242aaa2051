import { pino } from 'pino';
import { onBytes } from '../../../functions/host/event-handler.ts';
import { serve } from '../../../functions/host/serve.ts';
import { endOnSignals } from '../../../functions/host/on-signals.ts';
import { systemClock } from '../../../functions/lib/clock.ts';

/**
 * A host with the durable broker and one function: `node broker-process.ts DATABASE TOKEN`. Says its URL; then, every time that
 * something is written to its standard input, how long deliveries took since the last time, as JSON.
 */
const [brokerPath = '', token = ''] = process.argv.slice(2);
const log = pino({ level: 'warn' }, pino.destination({ fd: 2, sync: true }));
let delays: number[] = [];

const serving = await serve({
  functions: [
    {
      name: 'sink',
      handlers: [
        onBytes('com.example.hello.v1', async ({ time }) => {
          delays.push(Date.now() - Date.parse(time ?? ''));
        }),
      ],
    },
  ],
  catalogue: [
    {
      name: 'sink',
      triggers: [
        {
          name: 'sink',
          filter: { type: 'com.example.hello.v1' },
          delivery: {
            retry: 10,
            backoffPolicy: 'exponential',
            backoffDelay: 'PT0.2S',
            timeout: 'PT30S',
          },
        },
      ],
      schedules: [],
      direct: [],
      paths: [],
    },
  ],
  brokerPath,
  token,
  listen: { host: '127.0.0.1', port: 0 },
  clock: systemClock,
  log,
  onFatal: () => process.exit(70),
});
process.stdin.on('data', () => {
  process.stdout.write(`${JSON.stringify(delays)}\n`);
  delays = [];
});
endOnSignals({ serving, release: async () => undefined, log });
process.stdout.write(`${serving.url}\n`);

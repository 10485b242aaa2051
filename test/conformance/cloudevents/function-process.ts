import { pino } from 'pino';
import { onBytes } from '../../../functions/host/event-handler.ts';
import { runFunction } from '../../../functions/host/run-function.ts';
import { attributesOf } from '../../../functions/host/cloud-event-attributes.ts';

/** One function in a process of its own: tells in its reply which attributes and which bytes it got. */
const url = await runFunction(
  {
    name: 'witness',
    handlers: ['com.example.someevent', 'com.example.other'].map((type) =>
      onBytes(type, async (event) => ({
        specversion: '1.0',
        id: event.id,
        source: '/witness',
        type: 'seen',
        extensions: {},
        data: Buffer.from(
          JSON.stringify({
            attributes: Object.fromEntries(attributesOf(event)),
            base64: event.data.toString('base64'),
          }),
        ),
      })),
    ),
  },
  { log: pino(pino.destination({ fd: 2, sync: true })) },
);
process.stdout.write(`${url}\n`);

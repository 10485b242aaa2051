import { once } from 'node:events';
import { createServer } from 'node:http';
import { z } from 'zod';
import type { SinkCounts } from './sink.ts';

/** Messages of the parent: `{taps?}`; each is answered with the counts. */
const message = z.strictObject({ taps: z.array(z.unknown()).optional() });

let taps: readonly unknown[] = [];
let batches = 0;
let spans = 0;
let bytes = 0;
let reports = 0;

const server = createServer((incoming, outgoing) => {
  if (incoming.method === 'GET') {
    outgoing.end(JSON.stringify({ items: taps, metadata: { resourceVersion: '1' } }));
    return;
  }
  if (incoming.url === '/functions/ingest') {
    batches += 1;
    spans += Number(incoming.headers['ce-cloverspans']);
    bytes += Number(incoming.headers['content-length']);
  } else {
    reports += 1;
  }
  incoming.resume();
  incoming.on('end', () => outgoing.writeHead(202).end());
});
server.listen(0, '127.0.0.1');
await once(server, 'listening');
const address = server.address();
const port = typeof address === 'object' && address !== null ? address.port : 0;

process.on('message', (received: unknown) => {
  taps = message.parse(received).taps ?? taps;
  const counts: SinkCounts = { port, batches, spans, bytes, reports };
  process.send?.(counts);
});
process.on('disconnect', () => process.exit(0));

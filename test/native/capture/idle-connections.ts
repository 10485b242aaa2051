// A process of its own: prints what a connection takes that waits for its next request, in bytes of resident memory:
// node idle-connections.ts http|postgresql.
import { createReplay } from '../../../native/capture/capture.ts';
import { client, pod, segmentsOfTurns, server, startNs, type Turn } from './conversation.ts';
import { frameOf } from './frames.ts';
import { columns, complete, query, ready, row, start } from './postgresql.ts';

const postgresql = process.argv[2] === 'postgresql';
const warm = postgresql ? 1_000 : 10_000;
const count = postgresql ? 5_000 : 50_000;
/** Behind the Ethernet header: addresses and ports of sender and receiver. */
const ends = [
  { address: 14 + 14, port: 14 + 20 },
  { address: 14 + 18, port: 14 + 22 },
] as const;

const request = Buffer.from('GET /items HTTP/1.1\r\nHost: a\r\n\r\n');
const response = Buffer.from('HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n');
const wire = { clientIsn: 7, serverIsn: 9, cuts: [1_400] };
const write = (text: string): Turn => client(Buffer.from(text, 'latin1'));
const reply = (...parts: readonly string[]): Turn => server(Buffer.from(parts.join(''), 'latin1'));
const turns = postgresql
  ? [
      ...start,
      // Long ones both: an answer is read as far as its first row.
      write(query(`SELECT '${'a'.repeat(8_000)}'`)),
      reply(columns, row('1'), complete('SELECT 1'), ready),
    ]
  : [client(request), server(response)];
const frames = segmentsOfTurns(turns, wire)
  .slice(0, -2)
  .map((segment) => ({ toPod: segment.toPod, frame: frameOf(segment) }));

const replay = createReplay({ boot: '00000000000000aa', onBatch() {} });
replay.attach(7, pod);

/** Only the client's address and port differ. */
function open(from: number, until: number): void {
  for (let at = from; at < until; at += 1) {
    for (const { toPod, frame } of frames) {
      const { address, port } = ends[toPod ? 0 : 1];
      frame.writeUInt16BE(at >>> 15, address);
      frame.writeUInt16BE(1_024 + (at & 0x7f_ff), port);
      replay.frame(7, toPod, startNs + BigInt(at) * 10_000n, frame);
    }
  }
}

const settledRss = (): number => {
  globalThis.gc?.();
  return process.memoryUsage.rss();
};

// What is there once, and for what goes on meanwhile.
open(0, warm);
const before = settledRss();
open(warm, warm + count);
const bytes = (settledRss() - before) / count;
const { connections, requests } = replay.ledger();
process.stdout.write(JSON.stringify({ bytes, open: connections.open, spans: requests.spans }));

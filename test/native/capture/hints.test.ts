import test from 'ava';
import fc from 'fast-check';

import type { CaptureLedger } from '../../../native/capture/types.ts';
import type { PortHint } from '../../../native/capture/trace-settings.ts';
import { tapProtocols } from '../../../knative/resources/tap.ts';
import {
  client,
  exchange,
  gapsOf,
  play,
  pod,
  segmentsOf,
  segmentsOfTurns,
  server,
  startReplay,
  type Turn,
  type Wire,
} from './conversation.ts';
import type { TcpSegment } from './frames.ts';
import { headers } from './http2.ts';
import { get, ok } from './http2-conversation.ts';
import { compact, i16, i32, request, response, tags } from './kafka.ts';
import type { DecodedSpan } from './otlp.ts';
import { command } from './redis.ts';

type Protocol = PortHint['protocol'];

const handshake = 2;

/** What packets give where the server's port, which is 8080, is said to speak `protocol`; throws where the ledger has gaps. */
async function readHinted(
  segments: readonly TcpSegment[],
  protocol: Protocol | undefined,
): Promise<{ spans: DecodedSpan[]; ledger: CaptureLedger }> {
  const { replay, spans } = startReplay();
  replay.attach(7, pod, protocol === undefined ? {} : { hints: [{ port: 8080, protocol }] });
  play(replay, segments);
  await replay.flush();
  const ledger = replay.ledger();
  await replay.close();
  if (gapsOf(ledger).length > 0) throw new Error(gapsOf(ledger).join());
  return { spans, ledger };
}

const text = (...lines: readonly string[]): Buffer => Buffer.from([...lines, '', ''].join('\r\n'));
const segments = (turns: readonly Turn[], wire: Partial<Wire> = {}): TcpSegment[] =>
  segmentsOfTurns(turns, { clientIsn: 5, serverIsn: 9, cuts: [60_000], ...wire });
/** Of a connection that was there before. */
const late = (...turns: readonly Turn[]): TcpSegment[] => segments(turns).slice(handshake);

const names = (spans: readonly DecodedSpan[]): string[] => spans.map(({ name }) => name);

/** A Produce of a version that is newer than those whose form is known. */
const newerProduce = (correlation: number): readonly Turn[] => [
  client(request(0, 14, correlation, [compact.text(null), i16(-1), i32(1)], { flexible: true })),
  server(response(correlation, [i32(0), tags], true)),
];

/** Of a module of Redis. */
const ofModule: readonly Turn[] = [
  client(Buffer.from(command('JSON.GET', 'a'))),
  server(Buffer.from('$-1\r\n')),
  client(Buffer.from(command('JSON.SET', 'a', '1'))),
  server(Buffer.from('+OK\r\n')),
];

/** What bytes alone do not tell, by the protocol that the port is said to speak. */
const untold: readonly (readonly [
  what: string,
  hint: Protocol,
  segments: readonly TcpSegment[],
  spans: readonly string[],
])[] = [
  [
    'commands of a module of Redis, amid a connection',
    'redis',
    late(...ofModule),
    ['JSON.GET', 'JSON.SET'],
  ],
  [
    'a Produce of a later version of Kafka, amid a connection',
    'kafka',
    late(...newerProduce(7), ...newerProduce(8)),
    ['send', 'send'],
  ],
  [
    'headers of HTTP/2 in several frames, amid a connection',
    'http2',
    late(client(headers(9, get, true, 5)), server(headers(9, ok, true))),
    ['GET'],
  ],
];

for (const [what, hint, packets, spans] of untold) {
  test(`${what}: a port that is said to speak ${hint} tells them`, async (t) => {
    const plain = await readHinted(packets, undefined);
    t.deepEqual(plain.spans, []);
    const hinted = await readHinted(packets, hint);
    t.deepEqual(names(hinted.spans), spans);
    t.deepEqual(hinted.ledger.connections.contradicted, {});
  });
}

test('a command of Redis that is written by hand is told before its reply where its port says so', async (t) => {
  const turns = [client(Buffer.from('PING\r\n'))];
  for (const cut of [1, 2, 3, 5]) {
    const { spans } = await readHinted(segments(turns, { cuts: [cut] }), 'redis');
    t.deepEqual(names(spans), ['PING'], String(cut));
  }
  t.deepEqual((await readHinted(segments(turns), undefined)).spans, []);
});

test('what is said of the port of a server that a pod calls is not taken for its own', async (t) => {
  const calls = segments(ofModule, { podServes: false }).slice(handshake);
  t.deepEqual((await readHinted(calls, 'redis')).spans, []);
});

const http = [
  client(text('GET /p HTTP/1.1', 'Host: cart')),
  server(text('HTTP/1.1 200 OK', 'Content-Length: 0')),
];

test('bytes that contradict what is said of their port have the last word, and that is counted', async (t) => {
  for (const packets of [segments(http), late(...http)]) {
    const { spans, ledger } = await readHinted(packets, 'redis');
    t.deepEqual(names(spans), ['GET']);
    t.deepEqual(ledger.connections.contradicted, { 'shop/cart:8080 redis, speaks http': 1 });
  }
  const hello = Buffer.from('16030100050100000000', 'hex');
  const { ledger } = await readHinted(segments([client(hello)]), 'http');
  t.deepEqual(ledger.connections.contradicted, { 'shop/cart:8080 http, speaks tls': 1 });
  t.deepEqual(ledger.bytes.skipped, { tls: hello.length });
});

test('where bytes tell the protocol, whatever is said changes nothing', async (t) => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.array(exchange, { minLength: 1, maxLength: 3 }), { minLength: 1, maxLength: 4 }),
      fc.array(fc.integer({ min: 1, max: 80 }), { minLength: 1, maxLength: 4 }),
      fc.constantFrom<Protocol>(...tapProtocols, 'tls'),
      fc.boolean(),
      async (groups, cuts, hint, isLate) => {
        const packets = segmentsOf(groups, { clientIsn: 5, serverIsn: 9, cuts });
        const kept = isLate ? packets.slice(handshake) : packets;
        const [plain, hinted] = [await readHinted(kept, undefined), await readHinted(kept, hint)];
        t.deepEqual(hinted.spans, plain.spans);
      },
    ),
    { numRuns: 300 },
  );
});

const record = (length: number): Buffer =>
  Buffer.concat([Buffer.from([23, 3, 3, length >> 8, length & 255]), Buffer.alloc(length, 0xa5)]);

test('a connection with TLS that was there before is told by its records, and by one part of a record only where its port says so', async (t) => {
  const whole = late(client(record(40)), server(record(300), record(20)));
  const { ledger } = await readHinted(whole, undefined);
  t.deepEqual(ledger.bytes.skipped, { tls: 45 + 305 + 25 });
  const part = late(client(record(40).subarray(0, 30)));
  t.deepEqual((await readHinted(part, undefined)).ledger.bytes.skipped, { resync: 30 });
  t.deepEqual((await readHinted(part, 'tls')).ledger.bytes.skipped, { tls: 30 });
});

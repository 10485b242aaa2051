import test from 'ava';
import fc from 'fast-check';

import {
  cutTo,
  interfaceBlock,
  ipv4,
  nextOf,
  packetBlock,
  packetsOf,
  pcapFile,
  pcapngFile,
  readFileInChunks,
  sectionBlock,
  toldBy,
  udp,
} from './capture-file.ts';
import { gapsOf, segmentsOf, startNs, type Exchange } from './conversation.ts';
import { be16, exchanges, segments, wanted } from './file-conversation.ts';
import { flag, frameOf, type TcpSegment } from './frames.ts';

/** One exchange with a body of 3,000 bytes. */
function large(status: number): Exchange[] {
  const answer = `HTTP/1.1 ${status} Fine\r\nContent-Length: 3000\r\n\r\n${'b'.repeat(3_000)}`;
  return [
    {
      method: 'GET',
      path: '/cut',
      status,
      request: Buffer.from('GET /cut HTTP/1.1\r\nHost: cart.shop\r\n\r\n'),
      response: Buffer.from(answer),
      requestBytes: 0,
      responseBytes: 3_000,
    },
  ];
}

test('what a snaplen cut off is a loss that says so, and bodies do not need it', (t) => {
  const group = large(200);
  const cutSegments = segmentsOf([group, group], { clientIsn: 5, serverIsn: 6, cuts: [1_400] });
  const snaplen = 160;
  const packets = cutTo(packetsOf(cutSegments), snaplen);
  for (const file of [pcapFile(packets), pcapngFile(packets)]) {
    const { spans, ledger } = readFileInChunks(file);
    t.deepEqual(
      spans.map(({ attributes: a }) => [
        a['url.path'],
        a['http.response.status_code'],
        a['http.response.body.size'],
      ]),
      [
        ['/cut', 200, 3_000],
        ['/cut', 200, 3_000],
      ],
    );
    const missing = packets.reduce((sum, one) => sum + (one.length ?? 0) - one.bytes.length, 0);
    t.deepEqual(ledger.bytes.lost, { snaplen: missing });
    t.deepEqual(gapsOf(ledger), []);
  }
});

test('a snaplen of any size gives no wrong span', (t) => {
  fc.assert(
    fc.property(
      fc.integer({ min: 14, max: 400 }),
      fc.integer({ min: 1, max: 700 }),
      (snaplen, cut) => {
        const cutSegments = segmentsOf([exchanges], { clientIsn: 5, serverIsn: 6, cuts: [cut] });
        const whole = readFileInChunks(pcapFile(packetsOf(cutSegments)));
        const packets = cutTo(packetsOf(cutSegments), snaplen);
        const { spans, ledger } = readFileInChunks(pcapFile(packets));
        t.deepEqual(gapsOf(ledger), []);
        const right = new Set(
          whole.spans.map(
            ({ startNs: at, name, attributes: a }) => `${at} ${name} ${a['url.path']}`,
          ),
        );
        for (const { startNs: at, name, attributes: a } of spans)
          t.true(right.has(`${at} ${name} ${a['url.path']}`));
      },
    ),
    { numRuns: 300 },
  );
});

test('a packet that was captured at several interfaces counts once', (t) => {
  const doubled = fc.infiniteStream(fc.nat(3)).map((copies) =>
    segments.flatMap((segment) => {
      const bytes = frameOf(segment);
      const wrapped = Buffer.concat([Buffer.alloc(14), be16(0x800), bytes.subarray(14)]);
      const many = [{ timeNs: segment.timeNs, bytes, at: 0 }];
      for (let n = nextOf(copies, 0); n > 0; n -= 1)
        many.push({ timeNs: segment.timeNs + 1_000n, bytes: wrapped, at: 1 });
      return many;
    }),
  );
  fc.assert(
    fc.property(doubled, (packets) => {
      const result = readFileInChunks(
        Buffer.concat([
          sectionBlock(),
          interfaceBlock({ resolution: 9 }),
          interfaceBlock({ link: 113, resolution: 9 }),
          ...packets.map((one) => packetBlock(one, one.timeNs)),
        ]),
      );
      t.deepEqual(toldBy(result), wanted);
      t.deepEqual(gapsOf(result.ledger), []);
    }),
    { numRuns: 200 },
  );
});

test('a copy of a datagram has its IP id, its bytes and its time; a retransmission does not', (t) => {
  const payload = Buffer.from('anything');
  const cases: [name: string, afterNs: bigint, id: number, bytes: Buffer, copies: number][] = [
    ['a copy', 1_000n, 7, payload, 1],
    ['another id', 1_000n, 8, payload, 0],
    ['other bytes', 1_000n, 7, Buffer.from('anythink'), 0],
    ['later', 6_000_000n, 7, payload, 0],
    ['a little before', -2_000_000n, 7, payload, 1],
  ];
  for (const [name, afterNs, id, bytes, copies] of cases) {
    const first = { timeNs: startNs, bytes: ipv4(17, udp(9_999, payload), { id: 7 }) };
    const second = { timeNs: startNs + afterNs, bytes: ipv4(17, udp(9_999, bytes), { id }) };
    const { ledger } = readFileInChunks(pcapFile([first, second], { link: 101 }));
    t.is(ledger.bytes.skipped['duplicate'] ?? 0, copies * 8, name);
    t.deepEqual(gapsOf(ledger), []);
  }
});

test('who opened the connection is the client, whatever the addresses and ports', (t) => {
  for (const podServes of [true, false])
    for (const peerPort of [40_000, 80]) {
      const some = segmentsOf([exchanges], {
        clientIsn: 5,
        serverIsn: 6,
        cuts: [70],
        podServes,
        peerPort,
      });
      const { spans } = readFileInChunks(pcapFile(packetsOf(some)));
      t.is(spans.length, exchanges.length);
      for (const { kind, attributes: a } of spans) {
        t.is(kind, 2);
        t.is(a['network.local.address'], podServes ? '198.18.0.2' : '198.18.0.1');
        t.is(a['network.local.port'], 8_080);
        t.is(a['network.peer.port'], peerPort);
      }
    }
});

test('of a connection that began before the file the bytes tell the roles', (t) => {
  const late = segmentsOf([exchanges.slice(0, 2), exchanges.slice(2)], {
    clientIsn: 5,
    serverIsn: 6,
    cuts: [5_000],
    peerPort: 80,
  }).slice(2);
  const { spans, ledger } = readFileInChunks(pcapFile(packetsOf(late)));
  t.is(spans.length, exchanges.length);
  for (const { kind, attributes: a } of spans) {
    const server = kind === 2 ? a['network.local.port'] : a['network.peer.port'];
    t.is(server, 8_080);
  }
  t.deepEqual(gapsOf(ledger), []);
});

test('one port again, from the other end, is another connection', (t) => {
  const options = { clientIsn: 5, serverIsn: 6, cuts: [700], peerPort: 9_090 };
  const there = segmentsOf([exchanges], options);
  const back = there.map(
    ({ toPod, podPort, peerPort, seq, ack, flags, payload, timeNs }): TcpSegment => ({
      toPod: !toPod,
      podPort,
      peerPort,
      seq: seq + 1_000_000,
      ack: ack + 1_000_000,
      flags,
      payload,
      timeNs: timeNs + 1_000_000_000n,
    }),
  );
  const { spans, ledger } = readFileInChunks(pcapFile(packetsOf([...there, ...back])));
  t.deepEqual(
    spans.map(({ kind, attributes: a }) => [kind, a['network.local.port']]),
    [...exchanges.map(() => [2, 8_080]), ...exchanges.map(() => [2, 9_090])],
  );
  t.deepEqual(gapsOf(ledger), []);
});

test('requests without an answer at the end are incomplete spans, and no errors', (t) => {
  const withoutEnd = segments.filter(({ flags }) => (flags & flag.fin) === 0);
  const asked = withoutEnd.filter(({ toPod, payload }) => toPod || payload.length === 0);
  const { spans, ledger } = readFileInChunks(pcapFile(packetsOf(asked)));
  t.is(spans.length, exchanges.length);
  for (const { status, attributes: a } of spans) {
    t.is(status, 0);
    t.is(a['clover.incomplete'], 1);
    t.is(a['http.response.status_code'], undefined);
    t.is(a['error.type'], undefined);
  }
  t.deepEqual(ledger.requests.lost, {});
  t.deepEqual(gapsOf(ledger), []);
  fc.assert(
    fc.property(fc.nat(segments.length), (kept) => {
      const result = readFileInChunks(pcapFile(packetsOf(withoutEnd.slice(0, kept))));
      t.deepEqual(gapsOf(result.ledger), []);
      t.is(result.ledger.requests.open, 0);
      t.is(result.ledger.requests.seen, result.spans.length);
    }),
  );
});

test('an answer that the file has not to its end has its status', (t) => {
  const group = large(503);
  const some = segmentsOf([group], { clientIsn: 5, serverIsn: 6, cuts: [1_400] }).slice(0, 4);
  const { spans } = readFileInChunks(pcapFile(packetsOf(some)));
  t.is(spans.length, 1);
  t.like(spans[0]?.attributes, { 'clover.incomplete': 1, 'http.response.status_code': 503 });
});

test('times that jump to the end of time and back never break the ledger', (t) => {
  fc.assert(
    fc.property(fc.infiniteStream(fc.bigInt({ min: 0n, max: 2n ** 63n - 1n })), (times) => {
      const packets = packetsOf(segments).map(({ timeNs, bytes }, index) => ({
        timeNs: index % 3 === 2 ? nextOf(times, 0n) : timeNs,
        bytes,
      }));
      const file = Buffer.concat([
        sectionBlock(),
        interfaceBlock({ resolution: 9 }),
        ...packets.map((one) => packetBlock(one, one.timeNs)),
      ]);
      t.deepEqual(gapsOf(readFileInChunks(file).ledger), []);
    }),
    { numRuns: 100 },
  );
});

import { readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';

import test from 'ava';
import fc from 'fast-check';

import { CloverError } from '../../../functions/lib/errors.ts';
import {
  block,
  interfaceBlock,
  packetBlock,
  packetsOf,
  pcapFile,
  pcapngFile,
  readFileInChunks,
  sectionBlock,
  toldBy,
  writer,
  type PacketBlock,
} from './capture-file.ts';
import { gapsOf } from './conversation.ts';
import { exchanges, segmentsCut } from './file-conversation.ts';

const recorded = gunzipSync(readFileSync(new URL('recorded/servers.pcap.gz', import.meta.url)));
const segments = segmentsCut(70);
const packets = packetsOf(segments);

const wanted = toldBy(readFileInChunks(pcapFile(packets)));

test('a recording of real servers gives the requests of their access logs', (t) => {
  const { spans, ledger, end } = readFileInChunks(recorded);
  const log = readFileSync(new URL('recorded/servers.log', import.meta.url), 'utf8').trim();
  t.is(spans.length, log.split('\n').length);
  t.deepEqual([ledger.requests.lost, ledger.sessions.lost], [{}, { malformed: 1 }], 'unmasked');
  t.deepEqual(ledger.bytes.lost, {});
  t.deepEqual(gapsOf(ledger), []);
  t.deepEqual(end, { packets: 776, truncated: false });
});

test('chunks of any size give the same', (t) => {
  const whole = toldBy(readFileInChunks(recorded));
  const ng = pcapngFile(packets);
  fc.assert(
    fc.property(
      fc.array(fc.integer({ min: 1, max: 3_000 }), { minLength: 1, maxLength: 9 }),
      (sizes) => {
        t.deepEqual(toldBy(readFileInChunks(recorded, sizes)), whole);
        t.deepEqual(toldBy(readFileInChunks(ng, sizes)), wanted);
      },
    ),
    { numRuns: 60 },
  );
  t.deepEqual(toldBy(readFileInChunks(ng, [1])), wanted);
});

test('pcap is read in both byte orders, in microseconds and in nanoseconds', (t) => {
  t.is(wanted.length, exchanges.length);
  for (const little of [true, false])
    for (const nano of [true, false])
      t.deepEqual(toldBy(readFileInChunks(pcapFile(packets, { little, nano }))), wanted);
});

test('a link type with the length of a checksum above it is the same link type', (t) => {
  t.deepEqual(toldBy(readFileInChunks(pcapFile(packets, { link: 0x5400_0001 }))), wanted);
});

test('pcapng is read in both byte orders, with each kind of packet block', (t) => {
  for (const little of [true, false])
    for (const type of [2, 6] satisfies PacketBlock[]) {
      const file = Buffer.concat([
        sectionBlock(little),
        interfaceBlock({ resolution: 9 }, little),
        ...packets.map((one) => packetBlock(one, one.timeNs, little, type)),
      ]);
      t.deepEqual(toldBy(readFileInChunks(file)), wanted, `${little} ${type}`);
    }
  const simple = Buffer.concat([
    sectionBlock(),
    interfaceBlock({ snaplen: 262_144 }),
    ...packets.map((one) => packetBlock(one, 0n, true, 3)),
  ]);
  const { spans, ledger } = readFileInChunks(simple);
  t.is(spans.length, exchanges.length, 'without times');
  t.true(spans.every((span) => span.startNs === 0n));
  t.deepEqual(gapsOf(ledger), []);
});

test('times are in the resolution and with the offset of their interface', (t) => {
  const cases: [name: string, resolution: number | undefined, ticks: (ns: bigint) => bigint][] = [
    ['microseconds', undefined, (ns) => ns / 1_000n],
    ['microseconds, said', 6, (ns) => ns / 1_000n],
    ['milliseconds', 3, (ns) => ns / 1_000_000n],
    ['tenths of nanoseconds', 10, (ns) => ns * 10n],
    ['2^-30 s', 0x80 | 30, (ns) => ((ns << 30n) + 999_999_999n) / 1_000_000_000n],
  ];
  for (const [name, resolution, ticks] of cases)
    for (const offset of [undefined, 1_600_000_000n, -5n]) {
      const since = (offset ?? 0n) * 1_000_000_000n;
      const face = {
        ...(resolution === undefined ? {} : { resolution }),
        ...(offset === undefined ? {} : { offset }),
      };
      const file = Buffer.concat([
        sectionBlock(),
        interfaceBlock(face),
        ...packets.map((one) => packetBlock(one, ticks(one.timeNs - since))),
      ]);
      const { spans } = readFileInChunks(file);
      t.is(spans.length, exchanges.length, name);
      t.deepEqual(toldBy({ spans }), wanted, `${name} ${offset}`);
    }
});

test('several sections and interfaces are one network, and unknown blocks are stepped over', (t) => {
  const half = Math.floor(packets.length / 2);
  const unknown = block(0x0bad, Buffer.alloc(70_000, 7));
  const first = packets
    .slice(0, half)
    .map(({ timeNs, bytes }, index) => ({ timeNs, bytes, at: index % 2 }));
  const second = packets.slice(half);
  const file = Buffer.concat([
    sectionBlock(),
    unknown,
    interfaceBlock({ resolution: 9 }),
    interfaceBlock({ resolution: 6 }),
    ...first.flatMap((one) => [
      packetBlock(one, one.at === 0 ? one.timeNs : one.timeNs / 1_000n),
      unknown,
    ]),
    sectionBlock(false),
    interfaceBlock({ resolution: 9 }, false),
    ...second.map((one) => packetBlock(one, one.timeNs, false)),
    block(5, Buffer.alloc(8), false),
  ]);
  for (const sizes of [[65_536], [13]]) t.deepEqual(toldBy(readFileInChunks(file, sizes)), wanted);
});

/** Ethernet, IPv4 and TCP without options. */
const heads = { network: 14 + 20, transport: 14 + 20 + 20 };

/** What a file that ends `kept` bytes into a frame has lost of it. */
function lostOf(frame: Uint8Array, kept: number): Record<string, number> {
  const payload = frame.length - heads.transport;
  if (payload === 0 || kept < heads.network || kept >= frame.length) return {};
  // Within the header of TCP its payload is known by its length alone.
  if (kept < heads.transport) return { unreadable: payload };
  return { snaplen: frame.length - kept };
}

test('a file that ends within a packet gives what was there of it', (t) => {
  const file = pcapFile(packets);
  const ng = pcapngFile(packets);
  for (const [whole, first, before, after] of [
    [file, 24, 16, 0],
    [ng, pcapngFile([]).length, 28, 4],
  ] as const) {
    let at = first;
    for (const { bytes } of packets) {
      const size = after === 0 ? bytes.length : bytes.length + (-bytes.length & 3);
      for (let cut = at; cut < at + before + size + after; cut++) {
        const { ledger, error, end } = readFileInChunks(whole.subarray(0, cut));
        t.is(error, undefined);
        t.deepEqual(gapsOf(ledger), []);
        // A block that is not whole is none: nothing of it is believed.
        const kept = whole === file ? Math.max(0, cut - at - before) : 0;
        t.deepEqual(ledger.bytes.lost, lostOf(bytes, kept), `${cut}`);
        t.is(end?.truncated, cut > at);
      }
      at += before + size + after;
    }
  }
  const last = readFileInChunks(file.subarray(0, file.length - 1));
  t.deepEqual(last.end, { packets: packets.length, truncated: true });
  t.is(readFileInChunks(file.subarray(0, 24)).end?.truncated, false, 'no packets');
});

const { u16, u32 } = writer(true);
const one = packets[0]?.bytes ?? Buffer.alloc(0);
const pcapHead = pcapFile([]);
const ngHead = sectionBlock();

const malformed: readonly [name: string, file: Buffer, message: RegExp][] = [
  ['an empty file', Buffer.alloc(0), /at byte 0: it is no capture file/],
  ['a text', Buffer.from('GET / HTTP/1.1\r\n\r\n'), /at byte 0: it is no capture file.*0x47455420/],
  ['half a header', pcapHead.subarray(0, 10), /at byte 0: the file ends within its header/],
  [
    'another version',
    Buffer.concat([pcapHead.subarray(0, 4), u16(7), pcapHead.subarray(6)]),
    /version 7 of pcap/,
  ],
  [
    'a packet of 2^31 bytes',
    Buffer.concat([pcapHead, u32(1), u32(0), u32(0x8000_0000), u32(1)]),
    /at byte 24: a packet of 2147483648 bytes/,
  ],
  [
    'an unknown link',
    pcapFile(packets, { link: 105 }),
    /at byte 24: .*105 \(IEEE802_11\), which cannot be read/,
  ],
  ['an unknown link without a name', pcapFile(packets, { link: 999 }), /link type 999, which/],
  [
    'a section without an order',
    Buffer.concat([ngHead.subarray(0, 8), u32(1), ngHead.subarray(12)]),
    /at byte 0: a section of the byte order/,
  ],
  [
    'a block of 4 bytes',
    Buffer.concat([ngHead, u32(9), u32(4), u32(4)]),
    /at byte 28: a block of 4 bytes/,
  ],
  ['a block of 13 bytes', Buffer.concat([ngHead, u32(9), u32(13), u32(4)]), /a block of 13 bytes/],
  [
    'a known block of 2^31 bytes',
    Buffer.concat([ngHead, u32(6), u32(0x8000_0000)]),
    /a block of 2147483648 bytes/,
  ],
  [
    'lengths that differ',
    Buffer.concat([ngHead, u32(9), u32(12), u32(16)]),
    /at byte 28: a block whose two lengths differ: 12 and 16/,
  ],
  [
    'a packet of no interface',
    Buffer.concat([ngHead, packetBlock({ timeNs: 0n, bytes: one, at: 3 }, 0n)]),
    /at byte 28: a packet of the interface 3, which is not there/,
  ],
  [
    'a simple packet of no interface',
    Buffer.concat([ngHead, packetBlock({ timeNs: 0n, bytes: one }, 0n, true, 3)]),
    /a packet of the interface 0, which is not there/,
  ],
  [
    'a packet longer than its block',
    Buffer.concat([
      ngHead,
      interfaceBlock(),
      block(6, Buffer.concat([u32(0), u32(0), u32(0), u32(99), u32(99), Buffer.alloc(4)])),
    ]),
    /a packet that is longer than its block/,
  ],
  [
    'a packet block of 4 bytes',
    Buffer.concat([ngHead, block(6, Buffer.alloc(4))]),
    /a packet block of 4 bytes/,
  ],
  [
    'an interface of 4 bytes',
    Buffer.concat([ngHead, block(1, Buffer.alloc(4))]),
    /an interface of 4 bytes/,
  ],
  [
    'an option longer than its block',
    Buffer.concat([ngHead, block(1, Buffer.concat([Buffer.alloc(8), u16(9), u16(99)]))]),
    /an option that is longer/,
  ],
  [
    'another version of pcapng',
    block(0x0a0d0d0a, Buffer.concat([u32(0x1a2b3c4d), u16(2), u16(0), Buffer.alloc(8)])),
    /version 2 of pcapng/,
  ],
];

for (const [name, file, message] of malformed)
  test(`${name} is an error that says where`, (t) => {
    for (const sizes of [[65_536], [1]]) {
      const { error, ledger } = readFileInChunks(file, sizes);
      t.true(error instanceof CloverError);
      t.like(error, { code: 'CLV_CAPTURE_FILE_INVALID', status: 400 });
      t.regex(String(error), message);
      t.deepEqual(gapsOf(ledger), []);
    }
  });

test('what came before the damage counts', (t) => {
  const file = Buffer.concat([pcapFile(packets), u32(0), u32(0), u32(0xffff_ffff), u32(0)]);
  const result = readFileInChunks(file);
  t.like(result.error, { code: 'CLV_CAPTURE_FILE_INVALID' });
  t.deepEqual(toldBy(result), wanted);
});

test('damaged files never break the ledger', (t) => {
  const files = [recorded.subarray(0, 60_000), pcapngFile(packets)];
  fc.assert(
    fc.property(
      fc.constantFrom(...files),
      fc.array(fc.tuple(fc.double({ min: 0, max: 1, noNaN: true }), fc.nat(255)), {
        maxLength: 12,
      }),
      (file, changes) => {
        const bad = Buffer.from(file);
        for (const [place, value] of changes) bad[Math.floor(place * (bad.length - 1))] = value;
        const { error, ledger } = readFileInChunks(bad);
        if (error !== undefined) t.like(error, { code: 'CLV_CAPTURE_FILE_INVALID' });
        t.deepEqual(gapsOf(ledger), []);
      },
    ),
    { numRuns: 600 },
  );
});

import test from 'ava';
import fc from 'fast-check';

import {
  type FilePacket,
  type FileResult,
  ipv4,
  nextOf,
  packetsOf,
  pcapFile,
  pcapngFile,
  readFileInChunks,
  toldBy,
  udp,
} from './capture-file.ts';
import { gapsOf, startNs } from './conversation.ts';
import { be16, exchanges, segments, wanted } from './file-conversation.ts';
import { frameOf, type TcpSegment } from './frames.ts';
import { ipOf as ip, ipv6, tunnels } from './tunnels.ts';

const packed = (wrap: (segment: TcpSegment) => Uint8Array): FilePacket[] =>
  segments.map((segment) => ({ timeNs: segment.timeNs, bytes: wrap(segment) }));

test('every link type gives the same spans', (t) => {
  const cooked = Buffer.alloc(14);
  const cooked2 = Buffer.concat([be16(0x800), Buffer.alloc(18)]);
  const links: [name: string, link: number, wrap: (segment: TcpSegment) => Uint8Array][] = [
    ['VLAN', 1, (one) => frameOf(one, { vlans: [5] })],
    ['QinQ', 1, (one) => frameOf(one, { vlans: [5, 6] })],
    ['padding', 1, (one) => frameOf(one, { padding: 18 })],
    ['cooked', 113, (one) => Buffer.concat([cooked, be16(0x800), ip(one)])],
    [
      'cooked, VLAN',
      113,
      (one) => Buffer.concat([cooked, be16(0x8100), be16(5), be16(0x800), ip(one)]),
    ],
    ['cooked v2', 276, (one) => Buffer.concat([cooked2, ip(one)])],
    ['raw', 101, (one) => ip(one)],
    ['raw of BSD', 12, (one) => ip(one)],
    ['raw of OpenBSD', 14, (one) => ip(one)],
    ['IPv4', 228, (one) => ip(one)],
    ['null, big', 0, (one) => Buffer.concat([Buffer.from([0, 0, 0, 2]), ip(one)])],
    ['null, little', 0, (one) => Buffer.concat([Buffer.from([2, 0, 0, 0]), ip(one)])],
    ['loop', 108, (one) => Buffer.concat([Buffer.from([0, 0, 0, 2]), ip(one)])],
  ];
  for (const [name, link, wrap] of links) {
    t.deepEqual(toldBy(readFileInChunks(pcapFile(packed(wrap), { link }))), wanted, name);
    t.deepEqual(toldBy(readFileInChunks(pcapngFile(packed(wrap), { link }))), wanted, name);
  }
});

test('IPv6 comes over the same links', (t) => {
  const links: [link: number, head: Buffer][] = [
    [1, Buffer.concat([Buffer.alloc(12), be16(0x86dd)])],
    [113, Buffer.concat([Buffer.alloc(14), be16(0x86dd)])],
    [101, Buffer.alloc(0)],
    [229, Buffer.alloc(0)],
    [0, Buffer.from([10, 0, 0, 0])],
    [0, Buffer.from([24, 0, 0, 0])],
    [0, Buffer.from([0, 0, 0, 28])],
    [108, Buffer.from([0, 0, 0, 30])],
  ];
  for (const [link, head] of links) {
    const { spans, ledger } = readFileInChunks(
      pcapFile(
        packed((one) => Buffer.concat([head, ip(one, { version: 6 })])),
        { link },
      ),
    );
    t.is(spans.length, exchanges.length, `${link} ${head.toString('hex')}`);
    t.is(spans[0]?.attributes['network.local.address'], 'fd00::2');
    t.deepEqual(gapsOf(ledger), []);
  }
});

const gre = (flags: number, type: number, more = 0): Buffer =>
  Buffer.concat([be16(flags), be16(type), Buffer.alloc(more)]);

test('what is in a tunnel is read', (t) => {
  const geneve = Buffer.from([1, 0, 0x65, 0x58, 0, 0, 7, 0, 1, 2, 3, 4]);
  const all: [name: string, wrap: (segment: TcpSegment) => Uint8Array][] = [
    ...tunnels.map(([name, wrap]): (typeof all)[number] => [name, (one) => wrap(ip(one))]),
    ['GENEVE', (one) => ipv4(17, udp(6081, Buffer.concat([geneve, frameOf(one)])))],
    ['GRE', (one) => ipv4(47, Buffer.concat([gre(0, 0x800), ip(one)]))],
    ['GRE with all of it', (one) => ipv4(47, Buffer.concat([gre(0xb000, 0x800, 12), ip(one)]))],
    ['Ethernet in GRE', (one) => ipv4(47, Buffer.concat([gre(0x2000, 0x6558, 4), frameOf(one)]))],
  ];
  for (const [name, wrap] of all) {
    const result = readFileInChunks(pcapFile(packed(wrap), { link: 101 }));
    t.deepEqual(toldBy(result), wanted, name);
    t.deepEqual(gapsOf(result.ledger), [], name);
  }
  const deep = packed((one) => ipv4(4, ipv4(4, ipv4(4, ipv4(4, ipv4(4, ip(one)))))));
  const { wire } = readFileInChunks(pcapFile(deep, { link: 101 })).ledger;
  t.deepEqual(wire.otherPackets, { nested: deep.length });
});

test('a datagram at the port of a tunnel that holds none is a datagram', (t) => {
  const payload = Buffer.from('no tunnel at all, whatever the port may say');
  const packet = { timeNs: startNs, bytes: ipv4(17, udp(4789, payload)) };
  const { ledger } = readFileInChunks(pcapFile([packet], { link: 101 }));
  t.deepEqual(ledger.bytes.skipped, { unrecognised: payload.length });
});

/** An IPv4 packet in fragments of so many bytes, a multiple of 8. */
function fragmentsOf(packet: Buffer, size: number, id: number): Buffer[] {
  const payload = packet.subarray(20);
  const out: Buffer[] = [];
  for (let at = 0; at < payload.length; at += size) {
    const more = at + size < payload.length ? 0x2000 : 0;
    const part = Buffer.concat([packet.subarray(0, 20), payload.subarray(at, at + size)]);
    part.writeUInt16BE(part.length, 2);
    part.writeUInt16BE(id, 4);
    part.writeUInt16BE(more | (at / 8), 6);
    out.push(part);
  }
  return out;
}

const v6Fragments = (segment: TcpSegment, size: number, id: number): Buffer[] =>
  fragmentsOf(ip(segment), size, id).map((part) => {
    const place = part.readUInt16BE(6);
    const header = Buffer.alloc(8);
    header[0] = 6;
    header.writeUInt16BE(((place & 0x1fff) << 3) | (place & 0x2000 ? 1 : 0), 2);
    header.writeUInt32BE(0x10000 + id, 4);
    return ipv6(44, Buffer.concat([header, part.subarray(20)]), segment.toPod);
  });

const begun = ({ spans }: FileResult): readonly unknown[] =>
  spans.map(({ name, startNs: from }) => ({ name, from }));

test('fragments in any order, and twice, are whole packets again', (t) => {
  const shuffled = fc
    .tuple(fc.integer({ min: 1, max: 90 }), fc.boolean(), fc.infiniteStream(fc.nat()))
    .map(([units, v6, places]) =>
      segments.flatMap((segment, index) => {
        const parts = v6
          ? v6Fragments(segment, units * 8, index + 1)
          : fragmentsOf(ip(segment), units * 8, index + 1);
        const some = parts.flatMap((part) => (nextOf(places, 0) % 4 === 0 ? [part, part] : [part]));
        const order = some.map((part) => ({ part, place: nextOf(places, 0) }));
        return order
          .toSorted((a, b) => a.place - b.place)
          .map(({ part }) => ({ timeNs: segment.timeNs, bytes: part }));
      }),
    );
  const plain = begun(readFileInChunks(pcapFile(packetsOf(segments))));
  fc.assert(
    fc.property(shuffled, (packets) => {
      const result = readFileInChunks(pcapFile(packets, { link: 101 }));
      t.deepEqual(begun(result), plain);
      t.deepEqual(result.ledger.bytes.lost, {});
      t.deepEqual(gapsOf(result.ledger), []);
    }),
    { numRuns: 400 },
  );
});

test('fragments that overlap are refused, all of them', (t) => {
  const [, , request] = segments;
  if (request === undefined) throw new Error('no request');
  const [first, ...rest] = fragmentsOf(
    ip({ ...request, payload: Buffer.alloc(900, 0x41) }),
    400,
    9,
  );
  if (first === undefined) throw new Error('no fragment');
  const other = Buffer.from(first);
  other.fill(0x42, 100);
  const packets = [first, other, ...rest, first].map((bytes) => ({ timeNs: startNs, bytes }));
  const { ledger } = readFileInChunks(pcapFile(packets, { link: 101 }));
  t.deepEqual(ledger.bytes.lost, { fragment_overlap: 900 + 20 + 2 * 400 });
  t.deepEqual(ledger.wire.lost, { fragment: 5 });
  t.deepEqual(gapsOf(ledger), []);
});

test('packets that never become whole are a loss, and take bounded memory', (t) => {
  const packets: FilePacket[] = [];
  for (let n = 0; n < 20_000; n += 1) {
    const bytes = ipv4(17, Buffer.alloc(1_400), { id: n & 0xffff, place: 0x2000, source: n % 250 });
    packets.push({ timeNs: startNs + BigInt(n), bytes });
  }
  const before = process.memoryUsage().rss;
  const { ledger } = readFileInChunks(pcapFile(packets, { link: 101 }));
  t.deepEqual(ledger.bytes.lost, { fragment: 20_000 * 1_400 });
  t.true(process.memoryUsage().rss - before < 120 * 1024 * 1024);
  t.deepEqual(gapsOf(ledger), []);
});

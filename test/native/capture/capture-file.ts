import { createFileReplay } from '../../../native/capture/capture.ts';
import type { CaptureLedger, FileEnd } from '../../../native/capture/types.ts';
import { frameOf, type TcpSegment } from './frames.ts';
import { type DecodedSpan, decodeSpans } from './otlp.ts';

/** One packet of a capture file. */
export interface FilePacket {
  /** Unix nanoseconds. */
  readonly timeNs: bigint;
  readonly bytes: Uint8Array;
  /** Its length on the wire, where it was cut. */
  readonly length?: number;
  /** Index of its interface (pcapng). Default: 0. */
  readonly at?: number;
}

/** How a file is written. */
export interface FileShape {
  readonly little?: boolean;
  /** Of pcap: nanoseconds in place of microseconds. */
  readonly nano?: boolean;
  /** LINKTYPE_ value. Default: Ethernet. */
  readonly link?: number;
}

/** Writes numbers in one byte order. */
export interface Writer {
  readonly u16: (value: number) => Buffer;
  readonly u32: (value: number) => Buffer;
  readonly u64: (value: bigint) => Buffer;
}

function written(size: number, put: (out: Buffer) => unknown): Buffer {
  const out = Buffer.alloc(size);
  put(out);
  return out;
}

/** Numbers of a file in its byte order. */
export function writer(little: boolean): Writer {
  return {
    u16: (value) =>
      written(2, (out) => (little ? out.writeUInt16LE(value) : out.writeUInt16BE(value))),
    u32: (value) =>
      written(4, (out) => (little ? out.writeUInt32LE(value) : out.writeUInt32BE(value))),
    u64: (value) =>
      written(8, (out) => (little ? out.writeBigUInt64LE(value) : out.writeBigUInt64BE(value))),
  };
}

const second = 1_000_000_000n;

/** A classic pcap file. */
export function pcapFile(packets: readonly FilePacket[], shape: FileShape = {}): Buffer {
  const { little = true, nano = true, link = 1 } = shape;
  const { u16, u32 } = writer(little);
  const magic = nano ? 0xa1b23c4d : 0xa1b2c3d4;
  return Buffer.concat([
    Buffer.concat([u32(magic), u16(2), u16(4), u32(0), u32(0), u32(262_144), u32(link)]),
    ...packets.flatMap(({ timeNs, bytes, length = bytes.length }) => [
      u32(Number(timeNs / second)),
      u32(Number((timeNs % second) / (nano ? 1n : 1_000n))),
      u32(bytes.length),
      u32(length),
      bytes,
    ]),
  ]);
}

const padding = (size: number): Buffer => Buffer.alloc(-size & 3);

/** One block of pcapng. */
export function block(type: number, body: Uint8Array, little = true): Buffer {
  const { u32 } = writer(little);
  const total = u32(12 + body.length + padding(body.length).length);
  return Buffer.concat([u32(type), total, body, padding(body.length), total]);
}

/** The block that begins a section. */
export function sectionBlock(little = true): Buffer {
  const { u16, u32 } = writer(little);
  const body = [u32(0x1a2b3c4d), u16(1), u16(0), Buffer.alloc(8, 0xff)];
  return block(0x0a0d0d0a, Buffer.concat(body), little);
}

/** What an interface of a pcapng says. */
export interface FileInterface {
  readonly link?: number;
  readonly snaplen?: number;
  /** if_tsresol as it is written; default: not there, which is microseconds. */
  readonly resolution?: number;
  /** if_tsoffset in seconds. */
  readonly offset?: bigint;
}

/** The block of an interface. */
export function interfaceBlock(face: FileInterface = {}, little = true): Buffer {
  const { u16, u32, u64 } = writer(little);
  const option = (code: number, value: Uint8Array): Buffer[] => [
    u16(code),
    u16(value.length),
    Buffer.from(value),
    padding(value.length),
  ];
  const { link = 1, snaplen = 0, resolution, offset } = face;
  return block(
    1,
    Buffer.concat([
      Buffer.concat([u16(link), u16(0), u32(snaplen)]),
      ...option(2, Buffer.from('eth0')),
      ...(resolution === undefined ? [] : option(9, Buffer.from([resolution]))),
      ...(offset === undefined ? [] : option(14, u64(BigInt.asUintN(64, offset)))),
      ...option(0, Buffer.alloc(0)),
    ]),
    little,
  );
}

/** Kinds of blocks with a packet: enhanced, simple, and the old one. */
export type PacketBlock = 2 | 3 | 6;

/** The block of a packet at these ticks. */
export function packetBlock(
  packet: FilePacket,
  ticks: bigint,
  little = true,
  type: PacketBlock = 6,
): Buffer {
  const { u16, u32 } = writer(little);
  const { bytes, length = bytes.length, at = 0 } = packet;
  const time = [u32(Number(ticks >> 32n)), u32(Number(ticks & 0xffff_ffffn))];
  const heads = {
    2: [u16(at), u16(0), ...time, u32(bytes.length), u32(length)],
    3: [u32(length)],
    6: [u32(at), ...time, u32(bytes.length), u32(length)],
  };
  return block(type, Buffer.concat([...heads[type], bytes]), little);
}

/** A pcapng file of one section and one interface in nanoseconds. */
export function pcapngFile(
  packets: readonly FilePacket[],
  { little = true, link = 1 }: FileShape = {},
): Buffer {
  return Buffer.concat([
    sectionBlock(little),
    interfaceBlock({ link, resolution: 9 }, little),
    ...packets.map((packet) => packetBlock(packet, packet.timeNs, little)),
  ]);
}

/** Segments as Ethernet frames of a file. */
export function packetsOf(segments: readonly TcpSegment[]): FilePacket[] {
  return segments.map((one) => ({ timeNs: one.timeNs, bytes: frameOf(one) }));
}

/** The same, of which a capture kept so many bytes each. */
export function cutTo(packets: readonly FilePacket[], snaplen: number): FilePacket[] {
  return packets.map(({ timeNs, bytes }) => ({
    timeNs,
    bytes: bytes.subarray(0, snaplen),
    length: bytes.length,
  }));
}

/** What a file gave. */
export interface FileResult {
  readonly spans: readonly DecodedSpan[];
  readonly ledger: CaptureLedger;
  readonly end: FileEnd | undefined;
  readonly error: unknown;
}

/** Reads a file in chunks of these sizes, used in turn. */
export function readFileInChunks(
  file: Uint8Array,
  sizes: readonly number[] = [65_536],
): FileResult {
  const spans: DecodedSpan[] = [];
  const replay = createFileReplay({
    boot: '00112233445566ff',
    onBatch: (batch) => spans.push(...decodeSpans(batch.otlp)),
  });
  let error: unknown;
  let end: FileEnd | undefined;
  try {
    for (let at = 0, turn = 0; at < file.length; turn += 1) {
      const size = sizes[turn % sizes.length] ?? 1;
      replay.feed(file.subarray(at, at + size));
      at += size;
    }
  } catch (cause) {
    error = cause;
  }
  try {
    end = replay.end();
    replay.check();
  } catch (cause) {
    error ??= cause;
  }
  const ledger = replay.ledger();
  replay.close();
  return { spans, ledger, end, error };
}

/** What spans say, without the ids of their connections. */
export function toldBy({ spans }: Pick<FileResult, 'spans'>): readonly unknown[] {
  return spans.map(({ name, startNs: from, endNs: to, attributes }) => ({
    name,
    from,
    to,
    attributes,
  }));
}

/** An IPv4 packet of this protocol. */
export function ipv4(
  protocol: number,
  payload: Uint8Array,
  { id = 0, place = 0, source = 1 } = {},
): Buffer {
  const header = Buffer.alloc(20);
  header[0] = 0x45;
  header.writeUInt16BE(20 + payload.length, 2);
  header.writeUInt16BE(id, 4);
  header.writeUInt16BE(place, 6);
  header[9] = protocol;
  header.set([192, 0, 2, source, 192, 0, 2, 9], 12);
  return Buffer.concat([header, payload]);
}

/** A UDP datagram from port 50000. */
export function udp(port: number, payload: Uint8Array): Buffer {
  const header = Buffer.alloc(8);
  header.writeUInt16BE(50_000, 0);
  header.writeUInt16BE(port, 2);
  header.writeUInt16BE(8 + payload.length, 4);
  return Buffer.concat([header, payload]);
}

/** The next of an endless stream of fast-check, which is typed as if it had an end. */
export function nextOf<T>(stream: Iterator<T, unknown, unknown>, end: T): T {
  const { done, value } = stream.next();
  return done === true ? end : value;
}

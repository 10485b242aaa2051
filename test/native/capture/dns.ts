import { segmentsOfTurns, startNs, type Turn } from './conversation.ts';
import type { TcpSegment, UdpDatagram } from './frames.ts';

/** Types by their numbers (IANA). */
export const types = {
  A: 1,
  NS: 2,
  CNAME: 5,
  SOA: 6,
  TXT: 16,
  AAAA: 28,
  IXFR: 251,
  AXFR: 252,
} as const;

/** A resource record; its name is the one at the given offset, or the root. */
export interface DnsRecord {
  readonly type: number;
  readonly data: Uint8Array;
  /** Upper 8 bits of the response code, for OPT. */
  readonly ttl?: number;
  readonly name?: Buffer;
}

/** What a message is made of. */
export interface DnsMessage {
  readonly id: number;
  readonly flags?: number;
  readonly questions?: readonly {
    readonly name: Buffer;
    readonly type: number;
    readonly klass?: number;
  }[];
  readonly answers?: readonly DnsRecord[];
  readonly authorities?: readonly DnsRecord[];
  readonly additions?: readonly DnsRecord[];
}

/** Flags: a response, recursion desired, truncated. */
export const flags = { response: 0x80_00, desired: 0x01_00, truncated: 0x02_00 } as const;

const u16 = (value: number): Buffer => Buffer.from([value >> 8, value & 255]);

/** A pointer to where the first question's name is. */
export const first: Buffer = Buffer.from([0xc0, 12]);

/** A name on the wire; labels are bytes. */
export const nameOf = (...labels: readonly (string | Uint8Array)[]): Buffer =>
  Buffer.concat([
    ...labels.map((label) => {
      const bytes = typeof label === 'string' ? Buffer.from(label, 'latin1') : label;
      return Buffer.concat([Buffer.from([bytes.length]), bytes]);
    }),
    Buffer.from([0]),
  ]);

const recordOf = ({ type, data, ttl = 60, name = first }: DnsRecord): Buffer =>
  Buffer.concat([
    name,
    u16(type),
    u16(type === 41 ? 1232 : 1),
    Buffer.from([ttl >> 24, ttl >> 16, ttl >> 8, ttl].map((byte) => byte & 255)),
    u16(data.length),
    data,
  ]);

/** The bytes of a message. */
export function messageOf(message: DnsMessage): Buffer {
  const { questions = [], answers = [], authorities = [], additions = [] } = message;
  return Buffer.concat([
    u16(message.id),
    u16(message.flags ?? 0),
    ...[questions, answers, authorities, additions].map((each) => u16(each.length)),
    ...questions.map(({ name, type, klass = 1 }) => Buffer.concat([name, u16(type), u16(klass)])),
    ...[...answers, ...authorities, ...additions].map(recordOf),
  ]);
}

/** A query for one name. */
export const queryOf = (id: number, name: Buffer, type: number): Buffer =>
  messageOf({ id, flags: flags.desired, questions: [{ name, type }] });

/** The answer to {@link queryOf}. */
export const answerOf = (
  id: number,
  name: Buffer,
  type: number,
  answers: readonly DnsRecord[] = [],
  rcode = 0,
): Buffer =>
  messageOf({
    id,
    flags: flags.response | flags.desired | rcode,
    questions: [{ name, type }],
    answers,
  });

/** As it goes over TCP. */
export const framed = (message: Buffer): Buffer => Buffer.concat([u16(message.length), message]);

/** The data of an SOA record. */
export const soaOf = (serial: number): Buffer =>
  Buffer.concat([
    nameOf('ns'),
    nameOf('admin'),
    ...[serial, 1, 1, 1, 1].map((value) => Buffer.concat([u16(value >> 16), u16(value & 0xffff)])),
  ]);

/** One second in nanoseconds. */
export const second = 1_000_000_000n;
/** `www.example.com`. */
export const www: Buffer = nameOf('www', 'example', 'com');
/** 192.0.2.7. */
export const address: Buffer = Buffer.from([192, 0, 2, 7]);

/** Datagrams of one flow, 1 ms apart; `up` goes to the peer, which is the server. */
export const flow = (
  ...payloads: readonly (readonly ['up' | 'down', Uint8Array])[]
): UdpDatagram[] =>
  payloads.map(([way, payload], at) => ({
    toPod: way === 'down',
    payload,
    timeNs: startNs + BigInt(at) * 1_000_000n,
    podPort: 40_000,
    peerPort: 53,
  }));

/** Another datagram. */
export const changed = (one: UdpDatagram, change: Partial<UdpDatagram>): UdpDatagram => ({
  ...one,
  ...change,
});

/** A connection on which the pod serves. */
export const connection = (
  turns: readonly Turn[],
  cuts: readonly number[] = [1_000],
): TcpSegment[] => segmentsOfTurns(turns, { clientIsn: 7, serverIsn: 9, cuts });

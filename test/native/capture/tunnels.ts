import { ipv4, udp } from './capture-file.ts';
import { frameOf, type FrameShape, type TcpSegment } from './frames.ts';

/** The IP packet of a segment. */
export const ipOf = (segment: TcpSegment, shape?: FrameShape): Buffer =>
  frameOf(segment, shape).subarray(14);

/** An IPv6 packet, from this next header on. */
export function ipv6(next: number, payload: Uint8Array, toPod = true): Buffer {
  const header = Buffer.alloc(40);
  header[0] = 0x60;
  header.writeUInt16BE(payload.length, 4);
  header[6] = next;
  header.set([0xfd, toPod ? 1 : 2], 8);
  header.set([0xfd, toPod ? 2 : 1], 24);
  return Buffer.concat([header, payload]);
}

/** The Ethernet frame of an IP packet. */
export const framed = (packet: Uint8Array): Buffer =>
  Buffer.concat([
    Buffer.alloc(12, 2),
    Buffer.from((packet[0] ?? 0) >> 4 === 6 ? [0x86, 0xdd] : [8, 0]),
    packet,
  ]);

/** A frame of Ethernet in VXLAN, as UDP. */
export const inVxlan = (frame: Uint8Array): Buffer =>
  udp(4789, Buffer.concat([Buffer.from([8, 0, 0, 0, 0, 0, 7, 0]), frame]));

/** The number of the protocol that an IP packet has in another one. */
const inIp = (packet: Buffer): number => ((packet[0] ?? 0) >> 4 === 6 ? 41 : 4);

/** Puts an IP packet into a tunnel, which is an IP packet, too. */
export type Wrap = (packet: Buffer) => Buffer;

/** The tunnels that are opened wherever packets come from. */
export const tunnels: readonly (readonly [name: string, wrap: Wrap])[] = [
  ['IP in IP', (one) => ipv4(inIp(one), one)],
  ['IP in IPv6', (one) => ipv6(inIp(one), one)],
  ['VXLAN', (one) => ipv4(17, inVxlan(framed(one)))],
  [
    'VXLAN over IPv6, with a tag',
    (one) => {
      const frame = framed(one);
      const tag = Buffer.from([0x81, 0, 0, 3]);
      return ipv6(17, inVxlan(Buffer.concat([frame.subarray(0, 12), tag, frame.subarray(12)])));
    },
  ],
  ['two of them', (one) => ipv4(4, ipv4(17, inVxlan(framed(one))))],
];

/** One TCP segment on the veth of the pod 198.18.0.2. */
export interface TcpSegment {
  readonly toPod: boolean;
  readonly seq: number;
  readonly ack: number;
  readonly flags: number;
  readonly payload: Uint8Array;
  /** Unix nanoseconds. */
  readonly timeNs: bigint;
  readonly podPort: number;
  readonly peerPort: number;
}

/** One UDP datagram on the same veth. */
export interface UdpDatagram {
  readonly toPod: boolean;
  readonly payload: Uint8Array;
  /** Unix nanoseconds. */
  readonly timeNs: bigint;
  readonly podPort: number;
  readonly peerPort: number;
  /** Last byte of the peer's address 198.18.0.x. @default 1 */
  readonly peer?: number;
  /** Instead of the pod's own, for what is sent to a group. */
  readonly destination?: readonly number[];
}

/** TCP flags. */
export const flag = { fin: 1, syn: 2, rst: 4, ack: 16 } as const;

/** Parts of a frame that the plain form does not have. */
export interface FrameShape {
  readonly vlans?: readonly number[];
  readonly ipOptions?: number;
  readonly version?: 4 | 6;
  /** Bytes of Ethernet padding behind the IP packet. */
  readonly padding?: number;
  /** The 16 bits of IPv4 flags and fragment offset. */
  readonly fragment?: number;
}

/** The Ethernet frame of a TCP segment, or of a UDP datagram. */
export function frameOf(segment: TcpSegment | UdpDatagram, shape: FrameShape = {}): Buffer {
  const tags = (shape.vlans ?? []).map((id) => Buffer.from([0x81, 0, id >> 8, id & 255]));
  const type = Buffer.from(shape.version === 6 ? [0x86, 0xdd] : [8, 0]);
  return Buffer.concat([
    Buffer.alloc(12, 2),
    ...tags,
    type,
    shape.version === 6 ? ipv6(segment) : ipv4(segment, shape),
    'seq' in segment ? tcpHeader(segment) : udpHeader(segment),
    segment.payload,
    Buffer.alloc(shape.padding ?? 0, 0x5a),
  ]);
}

function tcpHeader(segment: TcpSegment): Buffer {
  const header = Buffer.alloc(20);
  header.writeUInt16BE(segment.toPod ? segment.peerPort : segment.podPort, 0);
  header.writeUInt16BE(segment.toPod ? segment.podPort : segment.peerPort, 2);
  header.writeUInt32BE(segment.seq >>> 0, 4);
  header.writeUInt32BE(segment.ack >>> 0, 8);
  header[12] = 5 << 4;
  header[13] = segment.flags;
  return header;
}

function udpHeader(datagram: UdpDatagram): Buffer {
  const header = Buffer.alloc(8);
  header.writeUInt16BE(datagram.toPod ? datagram.peerPort : datagram.podPort, 0);
  header.writeUInt16BE(datagram.toPod ? datagram.podPort : datagram.peerPort, 2);
  header.writeUInt16BE(8 + datagram.payload.length, 4);
  return header;
}

const transportOf = (segment: TcpSegment | UdpDatagram): { protocol: number; header: number } =>
  'seq' in segment ? { protocol: 6, header: 20 } : { protocol: 17, header: 8 };

function ipv4(segment: TcpSegment | UdpDatagram, shape: FrameShape): Buffer {
  const options = (shape.ipOptions ?? 0) * 4;
  const header = Buffer.alloc(20 + options);
  header[0] = 0x40 | (header.length / 4);
  const transport = transportOf(segment);
  header.writeUInt16BE(header.length + transport.header + segment.payload.length, 2);
  header.writeUInt16BE(shape.fragment ?? 0, 6);
  header[9] = transport.protocol;
  const { peer = 1, destination } = 'seq' in segment ? {} : segment;
  header.set([198, 18, 0, segment.toPod ? peer : 2], 12);
  header.set(destination ?? [198, 18, 0, segment.toPod ? 2 : peer], 16);
  return header;
}

function ipv6(segment: TcpSegment | UdpDatagram): Buffer {
  const header = Buffer.alloc(48);
  const transport = transportOf(segment);
  header[0] = 0x60;
  header.writeUInt16BE(8 + transport.header + segment.payload.length, 4);
  // A hop-by-hop header stands before the transport's.
  header[6] = 0;
  header[8] = header[24] = 0xfd;
  header[23] = segment.toPod ? 1 : 2;
  header[39] = segment.toPod ? 2 : 1;
  header[40] = transport.protocol;
  return header;
}

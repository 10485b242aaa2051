import { client, server, type Turn } from './conversation.ts';

/** Opcodes of WebSocket frames (RFC 6455 §5.2). */
export const opcode = { continuation: 0, text: 1, binary: 2, close: 8, ping: 9, pong: 10 } as const;

/** How a frame differs from a plain one. */
export interface FrameShape {
  /** Default: it ends its message. */
  readonly final?: boolean;
  /** RSV1 of an extension, as compressed messages have it. */
  readonly compressed?: boolean;
  readonly masked?: boolean;
}

/** One frame. */
export function frameOf(op: number, payload: Uint8Array, shape: FrameShape = {}): Buffer {
  const { final = true, compressed = false, masked = false } = shape;
  const first = (final ? 0x80 : 0) | (compressed ? 0x40 : 0) | op;
  const size = payload.length;
  const bit = masked ? 0x80 : 0;
  const head =
    size < 126
      ? Buffer.from([first, bit | size])
      : size < 65_536
        ? Buffer.from([first, bit | 126, size >> 8, size & 255])
        : Buffer.from([first, bit | 127, 0, 0, 0, 0, ...Buffer.from(u32(size))]);
  if (!masked) return Buffer.concat([head, payload]);
  const mask = Buffer.from([0x12, 0x9a, 0x7f, 0xe1]);
  return Buffer.concat([head, mask, payload.map((byte, at) => byte ^ (mask[at % 4] ?? 0))]);
}

const u32 = (value: number): Buffer => {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
};

/** A payload of Close. */
export const closeOf = (code: number, reason = ''): Buffer =>
  Buffer.concat([Buffer.from([code >> 8, code & 255]), Buffer.from(reason)]);

/** What a client sends, which is masked. */
export const sent = (op: number, payload: string | Uint8Array, shape: FrameShape = {}): Buffer =>
  frameOf(op, Buffer.from(payload), { masked: true, ...shape });

/** What a server sends. */
export const pushed = (op: number, payload: string | Uint8Array, shape: FrameShape = {}): Buffer =>
  frameOf(op, Buffer.from(payload), shape);

/** The handshake; two turns. */
export const handshake = (...fields: readonly string[]): Turn[] => [
  client(
    Buffer.from(
      [
        'GET /chat?token=secret HTTP/1.1',
        'Host: chat.shop',
        'Connection: Upgrade',
        'Upgrade: websocket',
        ...fields,
        '',
        '',
      ].join('\r\n'),
    ),
  ),
  server(
    Buffer.from(
      'HTTP/1.1 101 Switching Protocols\r\nUpgrade: WebSocket\r\nConnection: Upgrade\r\n\r\n',
    ),
  ),
];

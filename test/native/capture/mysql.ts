import type { Turn } from './conversation.ts';
import { client, server } from './db.ts';

const little = (value: number, bytes: number): string => {
  const out = Buffer.alloc(bytes);
  out.writeUIntLE(value, 0, bytes);
  return out.toString('latin1');
};

/** A packet with its length and sequence number. */
export const packet = (seq: number, payload: string): string =>
  little(payload.length, 3) + little(seq % 256, 1) + payload;

/** Packets that follow each other. */
export const packets = (seq: number, ...payloads: readonly string[]): string =>
  payloads.map((payload, index) => packet(seq + index, payload)).join('');

/** Capability flags. */
export const flag = {
  database: 1 << 3,
  compress: 1 << 5,
  protocol41: 1 << 9,
  ssl: 1 << 11,
  secure: 1 << 15,
  track: 1 << 23,
  noEof: 1 << 24,
  attributes: 1 << 27,
} as const;

/** How a session begins, to the database `shop`. */
export function login(flags: number = 0, version = '8.0.36'): Turn[] {
  const all = flag.protocol41 | flag.database | flag.secure | flags;
  const greeting =
    `\x0a${version}\0${little(1, 4)}12345678\0${little(0xffff, 2)}\xff\x02\0${little(0xffff, 2)}` +
    `\x15${'\0'.repeat(10)}123456789012\0`;
  const response = `${little(all, 4)}${little(1 << 24, 4)}\xff${'\0'.repeat(23)}ann\0\x06hiddenshop\0`;
  return [
    server(packet(0, greeting)),
    client(packet(1, response)),
    server(packet(2, '\u00fecaching_sha2_password\0hidden')),
    client(packet(3, 'hidden')),
    server(packet(4, '\x01\x03') + packet(5, ok())),
  ];
}

/** Packets of a server. */
export const ok = (status = 2, more = ''): string => `\0\0\0${little(status, 2)}\0\0${more}`;
export const eof = (status = 2): string => `\xfe\0\0${little(status, 2)}`;
export const end = (status = 2): string => `\xfe\0\0${little(status, 2)}\0\0`;
export const error = (code: number): string => `\xff${little(code, 2)}#42S02secret message`;
export const column = '\x03def\x04shop\x01t\x01t\x01a\x01a\x0c\x3f\0\x0b\0\0\0\x03\0\0\0\0\0';
export const prepared = (id: number, columns: number, parameters: number): string =>
  `\0${little(id, 4)}${little(columns, 2)}${little(parameters, 2)}\0\0\0`;

/** Commands. */
export const query = (text: string): string => packet(0, `\x03${text}`);
export const prepare = (text: string): string => packet(0, `\x16${text}`);
export const execute = (id: number): string =>
  packet(0, `\x17${little(id % 2 ** 32, 4)}\0\x01\0\0\0`);

import { client, server } from './db.ts';
import type { Turn } from './conversation.ts';

const int32 = (value: number): string => {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes.toString('latin1');
};
const int16 = (value: number): string => int32(value).slice(2);

/** A message with its type and length. */
export const message = (type: string, body = ''): string =>
  `${type}${int32(body.length + 4)}${body}`;

/** What a client begins with: a length and a code. */
export const opening = (code: number, body = ''): string =>
  `${int32(body.length + 8)}${int32(code)}${body}`;

/** Codes of the first message. */
export const codes = {
  cancel: 80877102,
  ssl: 80877103,
  gss: 80877104,
  v3: 196608,
  v32: 196610,
} as const;

/** The server is ready. */
export const ready: string = message('Z', 'I');

/** How a session begins, to the database `shop`. */
export const start: readonly Turn[] = [
  client(opening(codes.v3, 'user\0ann\0database\0shop\0\0')),
  server(
    message('R', int32(0)),
    message('S', 'standard_conforming_strings\0on\0'),
    message('K', int32(1) + int32(2)),
    ready,
  ),
];

/** Messages of a client. */
export const query = (text: string): string => message('Q', `${text}\0`);
export const parse = (name: string, text: string): string =>
  message('P', `${name}\0${text}\0${int16(0)}`);
export const bind = (name: string, portal = ''): string =>
  message('B', `${portal}\0${name}\0${int16(0)}${int16(0)}${int16(0)}`);
export const describe = (name = ''): string => message('D', `P${name}\0`);
export const execute = (portal = '', rows = 0): string => message('E', `${portal}\0${int32(rows)}`);
export const sync: string = message('S');

/** Messages of a server. */
export const complete = (tag: string): string => message('C', `${tag}\0`);
export const row = (value: string): string =>
  message('D', `${int16(1)}${int32(value.length)}${value}`);
export const columns: string = message('T', `${int16(1)}a\0${'\0'.repeat(18)}`);
export const error = (code: string): string =>
  message('E', `SERROR\0VERROR\0C${code}\0Msecret message\0\0`);

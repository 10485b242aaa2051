import { connect } from 'node:net';

/** A header field as it goes over the wire: bytes 80 to FF of a value are its characters in Latin-1. */
export type Field = readonly [name: string, value: string];

/** What came back; `text` is the body. */
export interface RawAnswer {
  readonly status: number;
  readonly headers: ReadonlyMap<string, string>;
  readonly text: string;
}

/** The bytes of a POST; without a length of its own it gets the right one, and the connection ends with it. */
export function rawPost(path: string, fields: readonly Field[], body: Buffer): Buffer {
  const sized = fields.some(([name]) => /^(?:content-length|transfer-encoding)$/i.test(name));
  const keeps = fields.some(([name]) => name.toLowerCase() === 'connection');
  const all: readonly Field[] = [
    ['host', 'localhost'],
    ...(keeps ? [] : [['connection', 'close'] as const]),
    ...(sized ? [] : [['content-length', String(body.length)] as const]),
    ...fields,
  ];
  const lines = all.map(([name, value]) => `${name}: ${value}\r\n`).join('');
  return Buffer.concat([Buffer.from(`POST ${path} HTTP/1.1\r\n${lines}\r\n`, 'latin1'), body]);
}

/** Whether a caller ends its side with its last byte, or waits for the other side to do so. */
export type Ending = 'ends' | 'waits';

/** Sends bytes as they are. Resolves with the first answer; undefined when there was none. */
export function sendRaw(
  port: number,
  bytes: Uint8Array,
  ending: Ending = 'waits',
): Promise<RawAnswer | undefined> {
  return new Promise((resolve) => {
    const parts: Buffer[] = [];
    const socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true });
    socket.on('data', (part) => parts.push(part));
    socket.on('end', () => socket.destroy());
    // A server that has its answer out may close while this side still sends.
    socket.on('error', () => undefined);
    socket.on('close', () => resolve(answerOf(Buffer.concat(parts))));
    if (ending === 'ends') socket.end(bytes);
    else socket.write(bytes);
  });
}

function answerOf(bytes: Buffer): RawAnswer | undefined {
  const end = bytes.indexOf('\r\n\r\n');
  const [first = '', ...lines] = bytes.toString('latin1', 0, Math.max(end, 0)).split('\r\n');
  const status = /^HTTP\/1\.1 (\d{3})/.exec(first)?.[1];
  if (status === undefined) return undefined;
  const headers = new Map(
    lines.map((line) => {
      const colon = line.indexOf(':');
      return [line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim()] as const;
    }),
  );
  const rest = bytes.subarray(end + 4);
  const length = headers.get('content-length');
  const body =
    headers.get('transfer-encoding') === 'chunked'
      ? unchunked(rest)
      : rest.subarray(0, length === undefined ? rest.length : Number(length));
  return { status: Number(status), headers, text: body.toString() };
}

function unchunked(bytes: Buffer): Buffer {
  const parts: Buffer[] = [];
  let at = 0;
  for (;;) {
    const line = bytes.indexOf('\r\n', at);
    const size = Number.parseInt(bytes.toString('latin1', at, line), 16);
    if (line === -1 || !(size > 0)) return Buffer.concat(parts);
    parts.push(bytes.subarray(line + 2, line + 2 + size));
    at = line + 2 + size + 2;
  }
}

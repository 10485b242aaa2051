import type { ServerResponse } from 'node:http';

/** Answers in one piece that says its length: after a `writeHead` Node sends chunks, even of nothing. Not for 204. */
export function sendWhole(
  response: ServerResponse,
  status: number,
  headers: Readonly<Record<string, string>>,
  body: string | Uint8Array,
): void {
  const length = String(Buffer.byteLength(body));
  response.writeHead(status, { ...headers, 'content-length': length }).end(body);
}

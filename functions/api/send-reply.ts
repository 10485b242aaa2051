import { sha256 } from '../lib/canonical-json.ts';
import type { ApiRequest, ApiResponse } from './http.ts';
import { namesTag } from './negotiate.ts';
import type { JsonReply, Reply } from './reply.ts';
import type { Streams } from './streams.ts';

/** Writes an answer. */
export async function sendReply(
  request: ApiRequest,
  response: ApiResponse,
  { reply, streams }: { readonly reply: Reply; readonly streams: Streams },
): Promise<void> {
  switch (reply.kind) {
    case 'empty':
      response.statusCode = reply.status;
      response.end();
      return;
    case 'json':
      sendJson(request, response, reply);
      return;
    case 'stream':
      if (request.method === 'HEAD') response.setHeader('content-type', reply.mediaType).end();
      else await streams.serve(response, reply.mediaType, reply.run);
  }
}

/** A known ETag counts whatever `Cache-Control` says: `fetch` adds `no-cache` to every request that carries If-None-Match. */
function sendJson(request: ApiRequest, response: ApiResponse, reply: JsonReply): void {
  const { status = 200, body, headers = {} } = reply;
  const text = JSON.stringify(body);
  const reading = request.method === 'GET' || request.method === 'HEAD';
  const etag = reply.etag ?? (reading ? `"${sha256(text).slice(0, 27)}"` : undefined);
  if (etag !== undefined) response.setHeader('ETag', etag);
  // Kept by the reader's own cache, and asked for every time; what it shows depends on the token.
  if (reading) {
    response.setHeader('Cache-Control', 'private, no-cache');
    response.appendHeader('Vary', 'Accept, Authorization');
  }
  if (
    reading &&
    etag !== undefined &&
    namesTag(request.headers['if-none-match'], etag, { weak: true })
  ) {
    response.statusCode = 304;
    response.end();
    return;
  }
  response.statusCode = status;
  for (const [name, value] of Object.entries(headers)) response.setHeader(name, value);
  // Without a charset: JSON has none (RFC 8259 §11).
  response.setHeader('Content-Type', 'application/json');
  response.end(text);
}

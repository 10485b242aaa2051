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
      response.status(reply.status).end();
      return;
    case 'json':
      sendJson(request, response, reply);
      return;
    case 'stream':
      if (request.method === 'HEAD')
        response.status(200).set('content-type', reply.mediaType).end();
      else await streams.serve(response, reply.mediaType, reply.run);
  }
}

/**
 * Not Express's own freshness: it gives way to `Cache-Control: no-cache`, which `fetch` adds to
 * every request that carries If-None-Match.
 */
function sendJson(request: ApiRequest, response: ApiResponse, reply: JsonReply): void {
  const { status = 200, body, headers = {} } = reply;
  const text = JSON.stringify(body);
  const reading = request.method === 'GET' || request.method === 'HEAD';
  const etag = reply.etag ?? (reading ? `"${sha256(text).slice(0, 27)}"` : undefined);
  if (etag !== undefined) response.set('ETag', etag);
  // Kept by the reader's own cache, and asked for every time; what it shows depends on the token.
  if (reading)
    response.set('Cache-Control', 'private, no-cache').vary('Accept').vary('Authorization');
  if (
    reading &&
    etag !== undefined &&
    namesTag(request.headers['if-none-match'], etag, { weak: true })
  ) {
    response.status(304).end();
    return;
  }
  response.status(status).set(headers);
  // Not by Express, which adds a charset; JSON has none (RFC 8259 §11).
  response.setHeader('Content-Type', 'application/json');
  response.end(text);
}

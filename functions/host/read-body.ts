import type { IncomingMessage } from 'node:http';
import { CloverError } from '../lib/errors.ts';

/** How many bytes of a body are taken. */
export interface BodyLimit {
  /** Bytes after decompression, and so the most that may come over the wire as well. */
  readonly bytes: number;
  /** Told of every piece before it is kept; what it throws ends the reading. */
  readonly take?: (bytes: number) => void;
}

type Chunks = AsyncIterable<unknown, unknown, unknown>;

/**
 * The whole body, decompressed by its Content-Encoding; never more in memory than the limit and a chunk.
 * @throws CloverError CLV_BODY_TOO_LARGE, CLV_UNSUPPORTED_MEDIA_TYPE for an unknown encoding,
 *   CLV_ARGUMENT_INVALID for truncated or damaged data.
 */
export async function readBody(request: IncomingMessage, limit: BodyLimit): Promise<Buffer> {
  const encoding = request.headers['content-encoding']?.trim().toLowerCase() ?? 'identity';
  refuseLarge(request, limit);
  if (encoding === 'identity' || encoding === '') return whole(request, limit);
  // Most events come as they are, and a function that starts should not wait for every decoder.
  const { decompressed } = await import('./decompress.ts');
  return collect(decompressed(bounded(request, limit), encoding), limit);
}

/**
 * Refuses a body by what the request says of it, before any of it is read.
 * @throws CloverError CLV_BODY_TOO_LARGE for a Content-Length above the limit.
 */
export function refuseLarge({ headers }: IncomingMessage, limit: BodyLimit): void {
  if (Number(headers['content-length'] ?? 0) > limit.bytes) throw tooLarge(limit);
}

/** Listeners and not the iterator of `bounded`: most events take this way, and it costs a third. */
function whole(request: IncomingMessage, limit: BodyLimit): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const parts: Buffer[] = [];
    let size = 0;
    // To take the listeners off, after most bodies, costs more than to let them do nothing.
    let done = false;
    const onData = (chunk: Buffer): void => {
      if (done) return;
      size += chunk.length;
      try {
        if (size > limit.bytes) throw tooLarge(limit);
        limit.take?.(chunk.length);
        parts.push(chunk);
      } catch (error) {
        done = true;
        // What still comes is not read: the answer closes the connection.
        request.pause();
        reject(error instanceof Error ? error : new TypeError(String(error)));
      }
    };
    const onEnd = (): void => {
      done = true;
      resolve(joined(parts, size));
    };
    const onCut = (cause?: Error): void => {
      if (!done) reject(cutOff(cause));
      done = true;
    };
    request.on('data', onData).on('end', onEnd).on('error', onCut).on('close', onCut);
    // Its end may have come and gone while there was no room for it.
    if (request.destroyed && !request.readableEnded) onCut();
  });
}

/** The chunks of a request; destroyOnReturn stays off so that an answer can still be sent. */
async function* bounded(request: IncomingMessage, limit: BodyLimit): AsyncGenerator<Buffer> {
  let seen = 0;
  try {
    const chunks: Chunks = request.iterator({ destroyOnReturn: false });
    for await (const chunk of chunks) {
      if (!Buffer.isBuffer(chunk)) throw new TypeError('the request has an encoding set');
      seen += chunk.length;
      if (seen > limit.bytes) throw tooLarge(limit);
      yield chunk;
    }
  } catch (cause) {
    if (cause instanceof CloverError) throw cause;
    throw cutOff(cause);
  }
}

async function collect(chunks: Chunks, limit: BodyLimit): Promise<Buffer> {
  const parts: Buffer[] = [];
  let size = 0;
  for await (const chunk of chunks) {
    if (!Buffer.isBuffer(chunk)) throw new TypeError('expected bytes');
    size += chunk.length;
    if (size > limit.bytes) throw tooLarge(limit);
    limit.take?.(chunk.length);
    parts.push(chunk);
  }
  return joined(parts, size);
}

function joined(parts: readonly Buffer[], size: number): Buffer {
  const [first] = parts;
  return first !== undefined && parts.length === 1 ? first : Buffer.concat(parts, size);
}

function cutOff(cause: unknown): CloverError {
  const details = [{ field: 'body', message: 'ended before it was whole: send it again' }];
  return new CloverError('CLV_ARGUMENT_INVALID', 'the body ended before it was whole', {
    cause,
    details,
  });
}

function tooLarge({ bytes }: BodyLimit): CloverError {
  return new CloverError('CLV_BODY_TOO_LARGE', `the body is larger than ${bytes} bytes`, {
    details: [{ field: 'body', message: `must have at most ${bytes} bytes, decompressed` }],
  });
}

import type { IncomingMessage } from 'node:http';
import type { Transform } from 'node:stream';
import {
  constants,
  createBrotliDecompress,
  createGunzip,
  createInflate,
  createZstdDecompress,
} from 'node:zlib';
import { CloverError } from '../lib/errors.ts';

/** How many bytes of a body are taken. */
export interface BodyLimit {
  /** Bytes after decompression, and so the most that may come over the wire as well. */
  readonly bytes: number;
  /** Told of every piece before it is kept; what it throws ends the reading. */
  readonly take?: (bytes: number) => void;
}

type Chunks = AsyncIterable<unknown, unknown, unknown>;

/** Alphabetical. RFC 9110 §8.4.1: deflate is the zlib format; RFC 9659: zstd windows are ≤ 8 MiB. */
const decoders: Readonly<Record<string, () => Transform>> = {
  br: () => createBrotliDecompress(),
  deflate: () => createInflate(),
  gzip: () => createGunzip(),
  'x-gzip': () => createGunzip(),
  zstd: () => createZstdDecompress({ params: { [constants.ZSTD_d_windowLogMax]: 23 } }),
};

/**
 * The whole body, decompressed by its Content-Encoding; never more in memory than the limit and a chunk.
 * @throws CloverError CLV_BODY_TOO_LARGE, CLV_UNSUPPORTED_MEDIA_TYPE for an unknown encoding,
 *   CLV_ARGUMENT_INVALID for truncated or damaged data.
 */
export async function readBody(request: IncomingMessage, limit: BodyLimit): Promise<Buffer> {
  const encoding = request.headers['content-encoding']?.trim().toLowerCase() ?? 'identity';
  if (Number(request.headers['content-length'] ?? 0) > limit.bytes) throw tooLarge(limit);
  if (encoding === 'identity' || encoding === '') return collect(bounded(request, limit), limit);
  const decoder = decoders[encoding]?.();
  if (decoder === undefined) {
    throw new CloverError(
      'CLV_UNSUPPORTED_MEDIA_TYPE',
      `content encoding ${JSON.stringify(encoding)} is not known: use identity, ${Object.keys(decoders).join(', ')}`,
    );
  }
  return decompress(request, decoder, encoding, limit);
}

async function decompress(
  request: IncomingMessage,
  decoder: Transform,
  encoding: string,
  limit: BodyLimit,
): Promise<Buffer> {
  const feed = async (): Promise<void> => {
    try {
      for await (const chunk of bounded(request, limit)) {
        if (decoder.destroyed) return;
        if (!decoder.write(chunk)) await writable(decoder);
      }
      decoder.end();
    } catch (error) {
      decoder.destroy(error instanceof Error ? error : new Error(String(error)));
    }
  };
  // Never awaited: after a failure it may still wait for a slow sender, and the answer must not.
  void feed();
  try {
    return await collect(decoder, limit);
  } catch (error) {
    if (error instanceof CloverError) throw error;
    throw new CloverError('CLV_ARGUMENT_INVALID', `the body is not whole ${encoding} data`, {
      cause: error,
    });
  } finally {
    decoder.destroy();
  }
}

/** Resolves when the stream takes more, or will never do so. */
function writable(stream: Transform): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      stream.off('drain', done).off('close', done);
      resolve();
    };
    stream.on('drain', done).on('close', done);
    if (stream.destroyed) done();
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
    throw new CloverError('CLV_ARGUMENT_INVALID', 'the body ended before it was whole', { cause });
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
  return parts.length === 1 ? (parts[0] ?? Buffer.alloc(0)) : Buffer.concat(parts, size);
}

function tooLarge(limit: BodyLimit): CloverError {
  return new CloverError('CLV_BODY_TOO_LARGE', `the body is larger than ${limit.bytes} bytes`);
}

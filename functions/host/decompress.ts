import type { Transform } from 'node:stream';
import {
  constants,
  createBrotliDecompress,
  createGunzip,
  createInflate,
  createZstdDecompress,
} from 'node:zlib';
import { CloverError } from '../lib/errors.ts';

/** A stream of zlib, which knows how many bytes it has used. */
interface Decoder extends Transform {
  readonly bytesWritten: number;
}

/** Alphabetical. RFC 9110 §8.4.1: deflate is the zlib format; RFC 9659: zstd windows are ≤ 8 MiB. */
const decoders: ReadonlyMap<string, () => Decoder> = new Map<string, () => Decoder>([
  // No object: callers send names such as `constructor` too.
  ['br', () => createBrotliDecompress()],
  ['deflate', () => createInflate()],
  ['gzip', () => createGunzip()],
  ['x-gzip', () => createGunzip()],
  ['zstd', () => createZstdDecompress({ params: { [constants.ZSTD_d_windowLogMax]: 23 } })],
]);

/**
 * The decompressed chunks of a body; no more is read than is asked for.
 * @param encoding Content-Encoding, in lower case.
 * @throws CloverError CLV_UNSUPPORTED_MEDIA_TYPE for an unknown encoding, CLV_ARGUMENT_INVALID for truncated or damaged
 *   data, and what the chunks throw.
 */
export async function* decompressed(
  chunks: AsyncIterable<Buffer, unknown, unknown>,
  encoding: string,
): AsyncGenerator {
  const decoder = decoders.get(encoding)?.();
  if (decoder === undefined) {
    const known = `identity, ${[...decoders.keys()].join(', ')}`;
    const message = `content encoding ${JSON.stringify(encoding)} is not known: use ${known}`;
    throw new CloverError('CLV_UNSUPPORTED_MEDIA_TYPE', message, {
      details: [{ field: 'content-encoding', message: `must be one of: ${known}` }],
    });
  }
  const fed = { bytes: 0 };
  // Never awaited: after a failure it may still wait for a slow sender, and the answer must not.
  void feed(chunks, decoder, fed);
  try {
    yield* decoder;
    // Most decoders pass over what stands behind the end of their data, be it rubbish or another frame.
    if (decoder.bytesWritten < fed.bytes) throw new Error('there are bytes behind its end');
  } catch (error) {
    if (error instanceof CloverError) throw error;
    throw new CloverError('CLV_ARGUMENT_INVALID', `the body is not whole ${encoding} data`, {
      cause: error,
      details: [{ field: 'body', message: `must be whole ${encoding} data` }],
    });
  } finally {
    decoder.destroy();
  }
}

async function feed(
  chunks: AsyncIterable<Buffer, unknown, unknown>,
  decoder: Decoder,
  fed: { bytes: number },
): Promise<void> {
  try {
    for await (const chunk of chunks) {
      if (decoder.destroyed) return;
      fed.bytes += chunk.length;
      if (!decoder.write(chunk)) await writable(decoder);
    }
    decoder.end();
  } catch (error) {
    decoder.destroy(error instanceof Error ? error : new Error(String(error)));
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

import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { Readable } from 'node:stream';
import { createGunzip } from 'node:zlib';
import { CloverError } from '../../functions/lib/errors.ts';
import type { CliEnv } from '../env.ts';
import { readFault } from '../read-fault.ts';

/** A capture file as it is read. */
export interface CaptureChunks {
  readonly chunks: AsyncIterable<Buffer, void, void>;
  /** Share of the file that was read, from 0 to 1; undefined of standard input. */
  readonly share: () => number | undefined;
}

const chunkBytes = 1024 * 1024;

/** The chunks of a file, or of standard input as `-`; what gzip has packed is unpacked. */
export async function captureChunks(path: string, env: CliEnv): Promise<CaptureChunks> {
  if (path === '-') {
    // Whoever writes to it may go on: the process has to end all the same.
    env.signal.addEventListener('abort', () => env.stdin.destroy(), { once: true });
    return { chunks: unpacked(buffers(env.stdin)), share: () => undefined };
  }
  const failed = (cause: unknown): CloverError =>
    new CloverError('CLV_ARGUMENT_INVALID', `cannot read ${path}: ${readFault(cause)}`, { cause });
  let size = 0;
  try {
    size = (await stat(path)).size;
  } catch (cause) {
    throw failed(cause);
  }
  const file = createReadStream(path, { highWaterMark: chunkBytes, signal: env.signal });
  const chunks = async function* (): AsyncGenerator<Buffer, void, void> {
    try {
      yield* buffers(file);
    } catch (cause) {
      // Whoever asked for the end knows it.
      if (!env.signal.aborted) throw failed(cause);
    }
  };
  return {
    chunks: unpacked(chunks()),
    share: () => (size === 0 ? undefined : Math.min(1, file.bytesRead / size)),
  };
}

async function* buffers(
  stream: AsyncIterable<unknown, unknown, unknown>,
): AsyncGenerator<Buffer, void, void> {
  for await (const chunk of stream)
    yield Buffer.isBuffer(chunk) ? chunk : Buffer.from(String(chunk));
}

async function* unpacked(
  chunks: AsyncGenerator<Buffer, void, void>,
): AsyncGenerator<Buffer, void, void> {
  let first = Buffer.alloc(0);
  while (first.length < 2) {
    const next = await chunks.next();
    if (next.done === true) break;
    first = Buffer.concat([first, next.value]);
  }
  const all = async function* (): AsyncGenerator<Buffer, void, void> {
    yield first;
    yield* chunks;
  };
  // The magic number of gzip (RFC 1952 §2.3.1).
  const packed = first.length >= 2 && first.readUInt16BE(0) === 0x1f8b;
  yield* packed ? gunzipped(all()) : all();
}

async function* gunzipped(
  chunks: AsyncGenerator<Buffer, void, void>,
): AsyncGenerator<Buffer, void, void> {
  const source = Readable.from(chunks);
  const gunzip = createGunzip({ chunkSize: chunkBytes });
  source.on('error', (error) => gunzip.destroy(error)).pipe(gunzip);
  try {
    yield* buffers(gunzip);
  } catch (cause) {
    if (cause instanceof CloverError) throw cause;
    const message = `it is packed with gzip, and damaged: ${readFault(cause)}`;
    throw new CloverError('CLV_CAPTURE_FILE_INVALID', message, { cause });
  }
}

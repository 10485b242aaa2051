import { promisify } from 'node:util';
import { constants, zstdCompress } from 'node:zlib';
import type { Logger } from 'pino';
import type { SpanBatch } from '../native/capture/types.ts';
import type { SinkLedger } from './sink-ledger.ts';
import { encodeSpoolFile } from './spool-file.ts';
import type { Spool } from './spool.ts';

/** Takes batches from the capture and puts them, compressed, into the spool. */
export interface SpanPipe {
  /** Never blocks; called on the JS thread. The batch's buffer belongs to the pipe from then on. */
  readonly push: (batch: SpanBatch) => void;
  /** Resolves once everything that was pushed so far is on disk, or counted as lost. */
  drained(): Promise<void>;
  /** Batches and spans that are not on disk yet. */
  pending(): { batches: number; spans: number };
}

/** What {@link createSpanPipe} needs. */
export interface SpanPipeOptions {
  readonly boot: string;
  /** Unix ms. */
  readonly startedMs: number;
  readonly source: string;
  readonly spool: Spool;
  readonly ledger: SinkLedger;
  /** The value of `cloverloss` now. */
  readonly lossText: () => string;
  readonly onSpooled: () => void;
  /** Default: zstd, as ingest takes it. */
  readonly compress?: (otlp: Buffer) => Promise<Buffer>;
  /** Bytes, not compressed, that wait for the disk. Default: 12 MiB. */
  readonly queueLimitBytes?: number;
  readonly log: Logger;
}

const zstd = promisify(zstdCompress);

/**
 * Level 1 costs 0.3 µs per span and leaves a seventh of the bytes. The small window and table stay
 * in the second-level cache: a quarter less CPU for half a per cent of size. Each output chunk is
 * a round trip through the thread pool, so that the default of 16 KiB costs a fifth more.
 */
const zstdOptions = {
  chunkSize: 128 * 1024,
  params: {
    [constants.ZSTD_c_compressionLevel]: 1,
    [constants.ZSTD_c_windowLog]: 17,
    [constants.ZSTD_c_hashLog]: 13,
  },
};

/** Uncompressed bytes in memory; a disk that is slower than the capture loses the oldest spans. */
const defaultQueueLimitBytes = 12 * 1024 * 1024;

/** A pipe into `spool`. */
export function createSpanPipe(options: SpanPipeOptions): SpanPipe {
  const { boot, startedMs, source, spool, ledger, lossText, onSpooled, log } = options;
  const {
    compress = (otlp: Buffer) => zstd(otlp, zstdOptions),
    queueLimitBytes = defaultQueueLimitBytes,
  } = options;
  const queue: SpanBatch[] = [];
  let queuedBytes = 0;
  let working: SpanBatch | undefined;
  let work = Promise.resolve();

  const store = async (batch: SpanBatch): Promise<void> => {
    const body = await compress(batch.otlp);
    release(batch.otlp);
    const header = {
      source,
      id: String(batch.sequence),
      time: new Date().toISOString(),
      spans: batch.spans,
      watermarkMs: batch.watermarkMs,
      loss: lossText(),
      bytes: body.length,
    };
    await spool.add(
      { startedMs, boot, sequence: batch.sequence, spans: batch.spans },
      encodeSpoolFile(header, body),
    );
  };

  const isFull = (): boolean => queuedBytes > queueLimitBytes;

  const next = (): SpanBatch | undefined => {
    const batch = queue.shift();
    queuedBytes -= batch?.otlp.length ?? 0;
    return batch;
  };

  const run = async (): Promise<void> => {
    for (working = next(); working !== undefined; working = next()) {
      try {
        await store(working);
        onSpooled();
      } catch (error) {
        ledger.lose(true, working.spans, 'spool_error');
        log.error({ err: error, sequence: working.sequence }, 'cannot spool a batch: spans lost');
      }
    }
  };

  return {
    push(batch) {
      ledger.enter(true, batch.spans);
      queue.push(batch);
      queuedBytes += batch.otlp.length;
      while (isFull()) ledger.lose(true, next()?.spans ?? 0, 'spool_slow');
      if (working === undefined) work = run();
    },
    drained: () => work,
    pending() {
      const held = working === undefined ? queue : [working, ...queue];
      return { batches: held.length, spans: held.reduce((sum, batch) => sum + batch.spans, 0) };
    },
  };
}

/**
 * Gives a buffer's memory back now. The garbage collector sees small objects only and would let
 * some 60 MiB of batches gather before it ran, and then mark the whole heap for them.
 */
function release({ buffer, byteLength }: Buffer): void {
  if (buffer instanceof ArrayBuffer && buffer.byteLength === byteLength) buffer.transfer(0);
}

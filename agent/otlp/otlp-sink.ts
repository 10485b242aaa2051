import { join } from 'node:path';
import { promisify } from 'node:util';
import { gzip } from 'node:zlib';
import type { Logger } from 'pino';
import type { Clock } from '../../functions/lib/clock.ts';
import type { SpanBatch } from '../../native/capture/types.ts';
import type { Deliver } from '../delivery.ts';
import { pendingIn } from '../ledger.ts';
import { createPace } from '../pace.ts';
import { createSender } from '../sender.ts';
import { createSinkLedger, type SinkBuckets, type SinkCount } from '../sink-ledger.ts';
import { createSpanPipe } from '../span-pipe.ts';
import { openSpool } from '../spool.ts';
import { selectResources } from './select-resources.ts';

/** Sends the spans of some pods to a collector, with a queue, a spool and books of its own. */
export interface OtlpSink {
  /** Takes its part of a batch, by the uids of the pods; never blocks, and leaves the batch's buffer as it is. */
  push(batch: SpanBatch, wants: (podUid: string) => boolean): void;
  counters(): SinkCounters;
  /** Of this boot, by cause. */
  lostSpans(): Readonly<Record<string, number>>;
  /** Sends what is there, from now on; before that nothing is sent. */
  wake(): void;
  /** Takes over what earlier boots left; see `Spool.adopt`. */
  adopt(): Promise<void>;
  /** Resolves once all that was pushed is on disk, or counted as lost. */
  drained(): Promise<void>;
  /** Sends what it has for up to `ms`; the rest stays in the spool. */
  stop(ms: number): Promise<void>;
}

/** Where the spans for a sink are, this boot's and what earlier boots left: entered = accepted + rejected + Σ lost + pending. */
export interface SinkCounters extends SinkBuckets {
  readonly pending: SinkCount;
  readonly inherited: SinkBuckets & { readonly pending: SinkCount };
  readonly spoolBytes: number;
}

/** What all sinks of an agent share. */
export interface SinkSurroundings {
  readonly takeLeftovers: boolean;
  readonly boot: string;
  /** Unix ms. */
  readonly startedMs: number;
  readonly source: string;
  readonly clock: Clock;
  /** Uniform in [0, 1). */
  readonly random: () => number;
  readonly log: Logger;
}

/** What {@link openOtlpSink} needs. */
export interface OtlpSinkOptions extends SinkSurroundings {
  readonly name: string;
  readonly deliver: Deliver;
  /** The folder of all sinks; it makes its own below. */
  readonly dir: string;
  readonly limitBytes: number;
  /** See `SpoolOptions.lazy`. */
  readonly lazy: boolean;
}

/** Bytes, not compressed, that wait for the disk. */
const queueLimitBytes = 4 * 1024 * 1024;

/** Level 1 costs a third of the default's time, for a tenth more bytes. */
const gzipOptions = { level: 1, chunkSize: 128 * 1024 };

const gzipped = promisify<Buffer, typeof gzipOptions, Buffer>(gzip);

/** Opens a sink, which sends nothing before it is woken; rejects when its folder is unusable. */
export async function openOtlpSink(options: OtlpSinkOptions): Promise<OtlpSink> {
  const { name, deliver, limitBytes, lazy, takeLeftovers } = options;
  const { boot, startedMs, source, clock, log } = options;
  const ledger = createSinkLedger();
  const dir = join(options.dir, name);
  const spool = await openSpool({ dir, limitBytes, lazy, takeLeftovers, boot, ledger, log });
  const pace = createPace(options.random);
  const sender = createSender({ spool, deliver, receiver: name, pace, clock, log });
  let awake = false;
  const wake = (): void => {
    if (awake) sender.wake();
  };
  const pipe = createSpanPipe({
    boot,
    startedMs,
    source,
    spool,
    ledger,
    lossText: () => '',
    onSpooled: wake,
    compress: (otlp) => gzipped(otlp, gzipOptions),
    queueLimitBytes,
    log,
  });
  return {
    push(batch, wants) {
      const part = selectResources(batch.otlp, wants);
      if (part !== undefined) pipe.push({ ...batch, ...part });
    },
    counters() {
      const held = pipe.pending();
      const own = pendingIn(spool, true);
      return {
        ...ledger.buckets(true),
        pending: { batches: held.batches + own.batches, spans: held.spans + own.spans },
        inherited: { ...ledger.buckets(false), pending: pendingIn(spool, false) },
        spoolBytes: spool.bytes,
      };
    },
    lostSpans: () => ledger.lostSpans(true),
    wake() {
      awake = true;
      wake();
    },
    async adopt() {
      await spool.adopt();
      wake();
    },
    drained: () => pipe.drained(),
    async stop(ms) {
      await pipe.drained();
      await sender.stop(ms);
    },
  };
}

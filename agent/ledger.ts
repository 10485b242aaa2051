import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Capture, CaptureLedger, RequestCounts } from '../native/capture/types.ts';
import { total } from './loss.ts';
import type { SinkBuckets, SinkCount, SinkLedger } from './sink-ledger.ts';
import type { SpanPipe } from './span-pipe.ts';
import type { Spool } from './spool.ts';

/** One moment of the conservation ledger. */
export interface LedgerMoment {
  readonly capture: CaptureLedger;
  /** Spans that were in the capture's books before its open batch was asked for. */
  readonly spansBeforeFlush: number;
  /** This boot's batches outside the capture. */
  readonly sink: SinkBuckets & { readonly pending: SinkCount };
}

/** A moment, with what earlier boots left. */
export interface FullLedger extends LedgerMoment {
  readonly inherited: SinkBuckets & { readonly pending: SinkCount };
  /** See {@link unexplained}. */
  readonly unexplained: number;
}

/** What {@link readLedger} looks at. */
export interface LedgerParts {
  readonly capture: Pick<Capture, 'flush' | 'ledger'>;
  readonly pipe: SpanPipe;
  readonly spool: Spool;
  readonly ledger: SinkLedger;
}

/**
 * Reads all books at one moment. The capture's open batch is closed first, so that every span of
 * a finished request must be in a bucket.
 */
export async function readLedger(parts: LedgerParts): Promise<FullLedger> {
  const { capture, pipe, spool, ledger } = parts;
  const { requests, sessions } = capture.ledger();
  const spansBeforeFlush = requests.spans + sessions.spans;
  await capture.flush();
  // A batch changes hands within one turn of the event loop: never count it in the middle.
  await nextTurn();
  const sink = ownBuckets({ pipe, spool, ledger });
  const moment = { capture: capture.ledger(), spansBeforeFlush, sink };
  return {
    ...moment,
    inherited: { ...ledger.buckets(false), pending: pendingIn(spool, false) },
    unexplained: unexplained(moment),
  };
}

/** This boot's batches outside the capture, at any moment. */
export function ownBuckets({
  pipe,
  spool,
  ledger,
}: Omit<LedgerParts, 'capture'>): LedgerMoment['sink'] {
  const held = pipe.pending();
  const own = pendingIn(spool, true);
  const pending = { batches: held.batches + own.batches, spans: held.spans + own.spans };
  return { ...ledger.buckets(true), pending };
}

/**
 * Requests, sessions and spans that the books cannot place; 0 unless there is a bug: requests and sessions are
 * spans, sampled out, open, or lost by cause; spans have left the capture; and what left it is accepted, pending,
 * rejected, or lost by cause.
 */
export function unexplained({ capture, spansBeforeFlush, sink }: LedgerMoment): number {
  const { requests, sessions } = capture;
  const spans = requests.spans + sessions.spans;
  const entered = sink.entered.spans;
  const lostSpans = Object.values(sink.lost).reduce((sum, count) => sum + count.spans, 0);
  const placed = sink.accepted.spans + sink.rejected.spans + lostSpans + sink.pending.spans;
  return (
    unplaced(requests) +
    unplaced(sessions) +
    Math.max(0, spansBeforeFlush - entered) +
    Math.max(0, entered - spans) +
    Math.abs(entered - placed)
  );
}

const unplaced = ({ seen, spans, sampledOut, open, lost }: RequestCounts): number =>
  Math.abs(seen - spans - sampledOut - open - total(lost));

/** Batches that wait in a spool or are being sent: this boot's, or those of earlier ones. */
export function pendingIn(spool: Spool, own: boolean): SinkCount {
  const entries = spool.entries().filter((entry) => entry.own === own);
  return {
    batches: entries.length,
    spans: entries.reduce((sum, entry) => sum + entry.spans, 0),
  };
}

import { CloverError } from '../../functions/lib/errors.ts';
import { createFileReplay } from '../../native/capture/capture.ts';
import type { CaptureLedger, FileEnd, FileReplay } from '../../native/capture/types.ts';
import { createInOrder } from './in-order.ts';
import { otlpSpans } from './otlp-spans.ts';
import { tracedSpan } from './traced-span.ts';

/** What became of a file. */
export interface CaptureEnd {
  readonly ledger: CaptureLedger;
  readonly end: FileEnd;
  /** What is wrong with the file, where something is: what stands before it has been read. */
  readonly error: unknown;
}

/** A file that is being read. */
export interface CaptureReading {
  /** Spans as JSON, in the order of their requests. */
  readonly lines: AsyncIterable<string, void, void>;
  /** Once all lines were taken. */
  readonly end: () => CaptureEnd;
}

/** Traces the chunks of a capture file; an abort ends the file where it is. */
export function readCapture(
  chunks: AsyncIterable<Buffer, void, void>,
  signal: AbortSignal,
): CaptureReading {
  const order = createInOrder();
  let watermarkMs = 0;
  // The same file gives the same ids.
  const replay = createFileReplay({
    boot: '0000000000000001',
    onBatch({ otlp, watermarkMs: mark }) {
      for (const span of otlpSpans(otlp))
        order.add({ ns: span.startNs, line: JSON.stringify(tracedSpan(span)) });
      watermarkMs = mark;
    },
  });
  let became: CaptureEnd | undefined;

  async function* lines(): AsyncGenerator<string, void, void> {
    try {
      let error: unknown;
      try {
        for await (const chunk of untilAborted(chunks, signal)) {
          replay.feed(chunk);
          yield* order.before(BigInt(watermarkMs) * 1_000_000n);
        }
      } catch (cause) {
        if (!(cause instanceof CloverError)) throw cause;
        error = cause;
      }
      const end = replay.end();
      yield* order.rest();
      became = { ledger: replay.ledger(), end, error: error ?? faultOf(replay) };
    } finally {
      replay.close();
      await order.close();
    }
  }

  return {
    lines: lines(),
    end() {
      if (became === undefined) throw new RangeError('the file is being read');
      return became;
    },
  };
}

/** Chunks until the signal comes, also while none does. */
async function* untilAborted(
  chunks: AsyncIterable<Buffer, void, void>,
  signal: AbortSignal,
): AsyncGenerator<Buffer, void, void> {
  const source = chunks[Symbol.asyncIterator]();
  const stopped = Promise.withResolvers<undefined>();
  const stop = (): void => stopped.resolve(undefined);
  signal.addEventListener('abort', stop);
  if (signal.aborted) stop();
  try {
    for (;;) {
      const next = await Promise.race([source.next(), stopped.promise]);
      if (next === undefined || next.done === true) return;
      yield next.value;
    }
  } finally {
    signal.removeEventListener('abort', stop);
  }
}

function faultOf(replay: FileReplay): unknown {
  try {
    replay.check();
    return undefined;
  } catch (error) {
    return error;
  }
}

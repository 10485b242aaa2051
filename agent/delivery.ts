import type { decodeSpoolFile } from './spool-file.ts';

/** A batch as it lies in the spool. */
export type SpooledBatch = NonNullable<ReturnType<typeof decodeSpoolFile>>;

/** What a receiver said to a batch. */
export type DeliveryOutcome =
  /** It has it, but for so many spans that it refused. */
  | { readonly kind: 'taken'; readonly refused: number }
  /** It understood the batch and will never take it. */
  | { readonly kind: 'never'; readonly why: string }
  | {
      readonly kind: 'later';
      readonly why: string;
      /** What it asked for, from now. */
      readonly retryAfterMs: number | undefined;
    };

/** Gives one batch to a receiver; a rejection means later. */
export type Deliver = (batch: SpooledBatch, signal: AbortSignal) => Promise<DeliveryOutcome>;

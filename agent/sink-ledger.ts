/** Batches and the spans in them. */
export interface SinkCount {
  readonly batches: number;
  readonly spans: number;
}

/** Where the batches of one origin ended; entered = accepted + rejected + Σ lost + pending. */
export interface SinkBuckets {
  readonly entered: SinkCount;
  /** Stored by ingest. */
  readonly accepted: SinkCount;
  /** Refused for ever, kept in `rejected/`. */
  readonly rejected: SinkCount;
  readonly lost: Readonly<Record<string, SinkCount>>;
}

/** Counts every batch from its arrival to its end; `own` is false for batches of earlier boots. */
export interface SinkLedger {
  enter(own: boolean, spans: number): void;
  accept(own: boolean, spans: number): void;
  reject(own: boolean, spans: number): void;
  lose(own: boolean, spans: number, cause: string): void;
  /** Spans of a batch that was accepted in other respects, lost by `refused`. */
  refuse(own: boolean, spans: number): void;
  buckets(own: boolean): SinkBuckets;
  /** Lost spans by cause. */
  lostSpans(own: boolean): Record<string, number>;
}

interface MutableBuckets {
  entered: SinkCount;
  accepted: SinkCount;
  rejected: SinkCount;
  lost: Record<string, SinkCount>;
}

const none: SinkCount = { batches: 0, spans: 0 };
const plus = (count: SinkCount, spans: number): SinkCount => ({
  batches: count.batches + 1,
  spans: count.spans + spans,
});

/** An empty ledger. */
export function createSinkLedger(): SinkLedger {
  const ofThisBoot: MutableBuckets = { entered: none, accepted: none, rejected: none, lost: {} };
  const inherited: MutableBuckets = { entered: none, accepted: none, rejected: none, lost: {} };
  const of = (own: boolean): MutableBuckets => (own ? ofThisBoot : inherited);
  return {
    enter: (own, spans) => {
      of(own).entered = plus(of(own).entered, spans);
    },
    accept: (own, spans) => {
      of(own).accepted = plus(of(own).accepted, spans);
    },
    reject: (own, spans) => {
      of(own).rejected = plus(of(own).rejected, spans);
    },
    lose: (own, spans, cause) => {
      of(own).lost[cause] = plus(of(own).lost[cause] ?? none, spans);
    },
    refuse: (own, spans) => {
      const { batches, spans: before } = of(own).lost['refused'] ?? none;
      of(own).lost['refused'] = { batches, spans: before + spans };
    },
    buckets: (own) => structuredClone(of(own)),
    lostSpans: (own) =>
      Object.fromEntries(
        Object.entries(of(own).lost).map(([cause, count]) => [cause, count.spans]),
      ),
  };
}

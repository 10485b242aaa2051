import type { BlockCell } from '../../../../functions/evidence/evidence-store.ts';
import type { EvidenceCell } from '../../../../knative/events.ts';

/** A cell with nothing in it, but for what is given. */
export function cellOf(given: Partial<EvidenceCell>): EvidenceCell {
  return {
    splitter: 'default/gateway',
    run: 'r',
    epoch: 1,
    arm: 'control',
    block: 1_000,
    sequence: 1,
    started: 0,
    done: 0,
    errors: 0,
    stuck: 0,
    sumLog: 0,
    sumLogSq: 0,
    histogram: [],
    ...given,
  };
}

/** One request as an observer saw it; without latency it is open for longer than the limit. */
export interface Seen {
  readonly run: string;
  readonly epoch: number;
  readonly arm: string;
  readonly block: number;
  /** Seconds to the first byte. */
  readonly latency: number | undefined;
  readonly error?: boolean;
}

/** Counts requests into cells, as an agent does. */
export function toCells(requests: readonly Seen[], sequence: number): EvidenceCell[] {
  const cells = new Map<string, EvidenceCell>();
  for (const { run, epoch, arm, block, latency, error = false } of requests) {
    const key = [run, epoch, arm, block].join(' ');
    const old = cells.get(key) ?? cellOf({ run, epoch, arm, block, sequence });
    const log = latency === undefined ? 0 : Math.log(latency);
    const histogram = new Map(old.histogram);
    if (latency !== undefined) {
      const bucket = Math.floor(Math.log2(latency * 1e9) * 16);
      histogram.set(bucket, (histogram.get(bucket) ?? 0) + 1);
    }
    cells.set(key, {
      ...old,
      started: old.started + 1,
      done: old.done + (latency === undefined ? 0 : 1),
      errors: old.errors + (error ? 1 : 0),
      stuck: old.stuck + (latency === undefined ? 1 : 0),
      sumLog: old.sumLog + log,
      sumLogSq: old.sumLogSq + log * log,
      histogram: [...histogram],
    });
  }
  return [...cells.values()];
}

/** Counts requests into cells, as the evidence store gives them out. */
export function toBlockCells(requests: readonly Seen[]): BlockCell[] {
  return toCells(requests, 1).map((cell) => {
    const buckets = cell.histogram.map(([bucket]) => bucket);
    const known = buckets.length > 0;
    return Object.assign(cell, {
      lowest: known ? Math.min(...buckets) : null,
      highest: known ? Math.max(...buckets) : null,
      sealed: true,
    });
  });
}

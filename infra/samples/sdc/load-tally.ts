import type { LoadReport } from './load-report.ts';

/** Counts of a load generator; pure but for its own numbers. */
export interface LoadTally {
  sent(): void;
  /** @param ms milliseconds from the planned start to the end of the response. */
  answered(answer: Answer): void;
  /** A request ended without a response. */
  failed(code: string): void;
  /** Requests without an end so far. */
  open(): number;
  report(at: number, final: boolean): LoadReport;
}

/** One response, whole or broken off. */
export interface Answer {
  readonly stamp: string;
  readonly status: number;
  readonly broken: boolean;
  /** Unix ms. */
  readonly sentAt: number;
  readonly headAt: number;
  readonly ms: number;
}

interface Row {
  responses: number;
  broken: number;
  firstAt: number;
  lastAt: number;
  lastSentAt: number;
  readonly status: Map<number, number>;
  readonly latencies: number[];
}

/** An empty tally. */
export function createTally(): LoadTally {
  const rows = new Map<string, Row>();
  const errors = new Map<string, number>();
  let sent = 0;
  let ended = 0;

  return {
    sent: () => void (sent += 1),
    open: () => sent - ended,
    answered(answer) {
      ended += 1;
      const row = rows.get(answer.stamp) ?? emptyRow();
      rows.set(answer.stamp, row);
      row.responses += 1;
      row.broken += answer.broken ? 1 : 0;
      row.firstAt = Math.min(row.firstAt, answer.headAt);
      row.lastAt = Math.max(row.lastAt, answer.headAt);
      row.lastSentAt = Math.max(row.lastSentAt, answer.sentAt);
      row.status.set(answer.status, (row.status.get(answer.status) ?? 0) + 1);
      row.latencies.push(answer.ms);
    },
    failed(code) {
      ended += 1;
      errors.set(code, (errors.get(code) ?? 0) + 1);
    },
    report: (at, final) => ({
      final,
      at,
      sent,
      open: sent - ended,
      unattributed: [...errors.values()].reduce((sum, count) => sum + count, 0),
      errors: Object.fromEntries(errors),
      stamps: [...rows].map(([stamp, row]) => ({
        stamp,
        status: Object.fromEntries([...row.status].map(([code, count]) => [String(code), count])),
        responses: row.responses,
        broken: row.broken,
        firstAt: row.firstAt,
        lastAt: row.lastAt,
        lastSentAt: row.lastSentAt,
        latency: quantiles(row.latencies),
      })),
    }),
  };
}

function emptyRow(): Row {
  return {
    responses: 0,
    broken: 0,
    firstAt: Number.POSITIVE_INFINITY,
    lastAt: 0,
    lastSentAt: 0,
    status: new Map(),
    latencies: [],
  };
}

function quantiles(latencies: readonly number[]): LoadReport['stamps'][number]['latency'] {
  const sorted = Float64Array.from(latencies).sort();
  const at = (share: number): number =>
    Math.round((sorted[Math.ceil(share * sorted.length) - 1] ?? 0) * 1_000) / 1_000;
  return { p50: at(0.5), p95: at(0.95), p99: at(0.99), max: at(1) };
}

import type { CaptureLedger } from '../native/capture/types.ts';
import type { SinkLedger } from './sink-ledger.ts';

/** Counts by cause. */
export type Causes = Readonly<Record<string, number>>;

/** Σ of all causes. */
export function total(causes: Causes): number {
  return Object.values(causes).reduce((sum, count) => sum + count, 0);
}

/** What several have lost, together. */
export function addUp(all: readonly Causes[]): Causes {
  const causes = new Set(all.flatMap((one) => Object.keys(one)));
  return Object.fromEntries(
    [...causes].map((cause) => [cause, all.reduce((sum, one) => sum + (one[cause] ?? 0), 0)]),
  );
}

/**
 * Every loss of this boot by cause, and of the spans that it took over.
 * @param records those of access logs that were lost behind the capture.
 */
export function lossOf(
  { wire, bytes, requests, sessions, accessLog, sockets }: CaptureLedger,
  spans: SinkLedger,
  records: Causes,
): Causes {
  return joinLoss({
    wire: wire.lost,
    bytes: bytes.lost,
    requests: requests.lost,
    sessions: sessions.lost,
    sockets: sockets.differ,
    records: addUp([{ backlog: accessLog.lost }, records]),
    spans: spans.lostSpans(true),
    inherited: spans.lostSpans(false),
  });
}

/** Losses of all groups as one list: `group.cause` → count, sorted, zeros left out. */
export function joinLoss(groups: Readonly<Record<string, Causes>>): Causes {
  const counts = Object.entries(groups).flatMap(([group, causes]) =>
    Object.entries(causes)
      .filter(([, count]) => count > 0)
      .map(([cause, count]) => [`${group}.${cause}`, count] as const),
  );
  return Object.fromEntries(counts.sort(([a], [b]) => (a < b ? -1 : 1)));
}

/** Losses as the attribute `cloverloss`: `group.cause=count`, comma-separated; empty when nothing was lost. */
export function formatLoss(loss: Causes): string {
  return Object.entries(loss)
    .map(([cause, count]) => `${cause}=${count}`)
    .join(',');
}

import type { ExperimentRun } from '../../knative/resources/experiment-run.ts';
import { standingRun, type ArmStamp } from '../../functions/lib/arm-stamp.ts';
import { toUnixMs } from '../../functions/lib/rfc3339.ts';

/** Requests of one stamp. */
export interface StampedCount extends ArmStamp {
  readonly requests: number;
}

/** Requests of one stamp that started in one second, `block` (Unix), at the splitting point. */
export interface SeenCount extends StampedCount {
  readonly block: number;
}

/** What each observer counted, independently of the others. */
export interface Accounts {
  /** The load generator: responses by the stamp that they carried. */
  readonly sent: readonly StampedCount[];
  /** The load generator: requests that ended without a stamped response. */
  readonly unattributed: number;
  /** Envoy: requests completed per version's cluster. */
  readonly proxied: ReadonlyMap<string, number>;
  /** The agent: requests at the splitting point. */
  readonly seen: readonly SeenCount[];
  /** ClickHouse: server spans with a stamp. */
  readonly stored: readonly StampedCount[];
  readonly runs: readonly ExperimentRun[];
}

/** Why a request that was seen was not judged. */
export type Cause = 'before-start' | 'warm-up' | 'in-flight' | 'after-verdict';

/** One line of the closing table. */
export interface LedgerRow {
  readonly version: string;
  readonly sent: number;
  readonly proxied: number;
  readonly seen: number;
  readonly stored: number;
  readonly judged: number;
  /** seen − judged, by cause. */
  readonly causes: Readonly<Record<Cause, number>>;
}

/** The closing table. */
export interface Ledger {
  readonly versions: readonly LedgerRow[];
  readonly unattributed: number;
  /** Requests on which the observers differ for no known cause; 0 closes the ledger. */
  readonly unexplained: number;
}

/** Sets the observers' counts side by side, per version. */
export function closeLedger(accounts: Accounts): Ledger {
  const runs = new Map(accounts.runs.map((run) => [run.metadata.name, run]));
  const sent = byVersion(accounts.sent, runs);
  const stored = byVersion(accounts.stored, runs);
  const seen = byVersion(accounts.seen, runs);
  const judged = judgedByVersion(accounts.runs);
  const names = new Set([
    ...sent.keys(),
    ...stored.keys(),
    ...seen.keys(),
    ...accounts.proxied.keys(),
  ]);
  const versions = [...names].sort().map((version): LedgerRow => {
    const of = accounts.seen.filter((count) => versionOf(count, runs) === version);
    return {
      version,
      sent: sent.get(version) ?? 0,
      proxied: accounts.proxied.get(version) ?? 0,
      seen: seen.get(version) ?? 0,
      stored: stored.get(version) ?? 0,
      judged: judged.get(version) ?? 0,
      causes: unjudged(of, runs),
    };
  });
  const unexplained = versions.reduce((sum, row) => sum + unexplainedOf(row), 0);
  return {
    versions,
    unattributed: accounts.unattributed,
    unexplained: unexplained + accounts.unattributed,
  };
}

/** The version that a stamp names, or the stamp's own text where its run is not known. */
export function versionOf(stamp: ArmStamp, runs: ReadonlyMap<string, ExperimentRun>): string {
  if (stamp.run === standingRun) return stamp.arm;
  const plan = runs.get(stamp.run)?.spec.plan;
  if (plan === undefined) return `unknown (${stamp.run})`;
  return stamp.arm === 'control' ? plan.control : plan.variant;
}

function byVersion(
  counts: readonly StampedCount[],
  runs: ReadonlyMap<string, ExperimentRun>,
): Map<string, number> {
  const sums = new Map<string, number>();
  for (const count of counts) {
    const version = versionOf(count, runs);
    sums.set(version, (sums.get(version) ?? 0) + count.requests);
  }
  return sums;
}

function judgedByVersion(runs: readonly ExperimentRun[]): Map<string, number> {
  const sums = new Map<string, number>();
  for (const { spec, status } of runs) {
    const samples = status.evidence?.samples;
    if (samples === undefined) continue;
    const { control, variant } = spec.plan;
    sums.set(control, (sums.get(control) ?? 0) + samples.control);
    sums.set(variant, (sums.get(variant) ?? 0) + samples.variant);
  }
  return sums;
}

function unjudged(
  counts: readonly SeenCount[],
  runs: ReadonlyMap<string, ExperimentRun>,
): Record<Cause, number> {
  const causes: Record<Cause, number> = {
    'before-start': 0,
    'warm-up': 0,
    'in-flight': 0,
    'after-verdict': 0,
  };
  const firstStart = Math.min(
    ...[...runs.values()].map((run) => toUnixMs(run.status.startedAt) ?? Infinity),
  );
  for (const count of counts) {
    const cause = causeOf(count, runs.get(count.run), firstStart);
    if (cause !== undefined) causes[cause] += count.requests;
  }
  return causes;
}

function causeOf(
  count: SeenCount,
  run: ExperimentRun | undefined,
  firstStart: number,
): Cause | undefined {
  const startMs = count.block * 1000;
  if (run === undefined) return startMs <= firstStart ? 'before-start' : 'after-verdict';
  const { evidence, intents = [] } = run.status;
  const verdictAt = toUnixMs(run.status.verdictAt) ?? Infinity;
  const intent = intents.find((candidate) => candidate.epoch === count.epoch);
  // The verdict's own intent is committed at the verdict or after it: its traffic was not judged.
  if (intent !== undefined && toUnixMs(intent.at) >= verdictAt) return 'after-verdict';
  const window = evidence?.window;
  if (window === undefined || startMs < toUnixMs(window.from)) return 'warm-up';
  // Their second was not sealed when the verdict fell.
  if (startMs >= toUnixMs(window.to)) return 'in-flight';
  // A drill judges the epochs with its fault only.
  if (run.spec.plan.drill !== undefined && intent?.fault === undefined) return 'warm-up';
  return undefined;
}

function unexplainedOf(row: LedgerRow): number {
  const explained = Object.values(row.causes).reduce((sum, count) => sum + count, row.judged);
  return (
    Math.abs(row.sent - row.proxied) +
    Math.abs(row.sent - row.seen) +
    Math.abs(row.seen - row.stored) +
    Math.abs(row.seen - explained)
  );
}

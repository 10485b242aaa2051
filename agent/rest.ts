import { standingRun } from '../functions/lib/arm-stamp.ts';
import { restRenewedMs, type EvidenceCell } from '../knative/events.ts';

/** Says when an agent has nothing to report until something changes. */
export interface Rest {
  /** Takes note of what a report would say now, and tells whether the report would be one of rest. */
  see(report: RestInput): boolean;
  /** Whether a rest has to be said: it was not yet, or is to be renewed. */
  isDue(): boolean;
  /** A rest was said, and accepted. */
  said(): void;
}

/** What of a report matters. */
export interface RestInput {
  readonly cells: readonly Pick<EvidenceCell, 'run'>[];
  readonly watermarkMs: number;
  /** All losses and Taps, in one text. */
  readonly said: string;
}

/** What {@link createRest} needs. */
export interface RestOptions {
  /** Unix ms. */
  readonly now: () => number;
  /** Whether the agent counts what begins now: one that is to take over, or has been taken over from, says nothing of the node. */
  readonly owns: () => boolean;
}

/** Without a change for so long an agent rests; longer than one that was taken over from goes on reporting. */
const quietMs = 30_000;
/** A run waits for each second of its evidence: where it has traffic, a break in that is no rest yet. */
const runQuietMs = 300_000;
/** What was open for longer holds the watermark back, and the agent awake. */
const lagMs = 5_000;

/** An agent that has just started is awake. */
export function createRest({ now, owns }: RestOptions): Rest {
  let awakeUntil = now() + quietMs;
  let said: string | undefined;
  let saidIn: number | undefined;
  // By the clock, and so by all agents at once: whom they report to wakes once for all of them.
  const term = (): number => Math.floor(now() / restRenewedMs);

  return {
    see(report) {
      const at = now();
      const stay = (ms: number): void => void (awakeUntil = Math.max(awakeUntil, at + ms));
      if (report.cells.length > 0 || report.said !== said || !owns()) stay(quietMs);
      if (report.cells.some(({ run }) => run !== '' && run !== standingRun)) stay(runQuietMs);
      said = report.said;
      const rests = at >= awakeUntil && report.watermarkMs >= at - lagMs;
      if (!rests) saidIn = undefined;
      return rests;
    },
    isDue: () => saidIn !== term(),
    said: () => void (saidIn = term()),
  };
}

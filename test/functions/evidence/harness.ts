import type { ExecutionContext } from 'ava';
import type { EvidenceStore } from '../../../functions/evidence/evidence-store.ts';
import type { EvidenceCell, EvidenceReport } from '../../../knative/events.ts';

/** A store under test. */
export interface EvidenceHarness {
  readonly store: EvidenceStore;
  /** Sets the time that the store believes in, Unix ms. */
  readonly at: (now: number) => void;
  /** Another store on the same data. */
  readonly another: () => Promise<EvidenceStore>;
}

/** Declares a test, as ava's `test` and its modifiers do. */
export type Declare = (title: string, run: (t: ExecutionContext) => Promise<void>) => void;

/** Opens an empty store for one test, and closes it with the test. */
export type OpenEvidence = (t: ExecutionContext) => Promise<EvidenceHarness>;

/** A report. */
export const reportOf = (
  sequence: number,
  watermarkMs: number,
  cells: readonly EvidenceCell[] = [],
): EvidenceReport => ({ sequence, watermarkMs, openTimeoutMs: 10_000, cells: [...cells] });

/** A report of a source that rests. */
export const restOf = (sequence: number, watermarkMs: number): EvidenceReport => ({
  ...reportOf(sequence, watermarkMs),
  resting: true,
});

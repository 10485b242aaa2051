import { CloverError } from '../../../../functions/lib/errors.ts';
import type { EvidenceStore, Look } from '../../../../functions/evidence/evidence-store.ts';
import { guardEvidence, type Stores } from './killer.ts';

/** A store of evidence that can be taken away. */
export interface Outage {
  /** Every call fails with this while it is set. */
  failure: unknown;
  readonly wrap: (stores: Stores) => Stores;
}

/** What a store says whose ClickHouse is not there. */
export const unavailable: CloverError = new CloverError(
  'CLV_ANALYTICS_UNAVAILABLE',
  'ClickHouse does not answer: connect ECONNREFUSED',
);

/** An outage that has not begun. */
export function createOutage(): Outage {
  const outage: Outage = {
    failure: undefined,
    wrap: ({ resources, evidence }) => ({
      resources,
      evidence: guardEvidence(evidence, async (work) => {
        if (outage.failure !== undefined) throw outage.failure;
        return work();
      }),
    }),
  };
  return outage;
}

/** Stores whose looks are taken by `appendLook`, which may ask the store itself. */
export const withAppendLook =
  (appendLook: (look: Look, store: EvidenceStore) => Promise<boolean>) =>
  ({ resources, evidence }: Stores): Stores => ({
    resources,
    evidence: new Proxy(evidence, {
      get: (store, name: keyof EvidenceStore) =>
        name === 'appendLook'
          ? async (look: Look) => appendLook(look, store)
          : store[name].bind(store),
    }),
  });

import type { EvidenceStore } from '../../../../functions/evidence/evidence-store.ts';
import type { ResourceStore } from '../../../../functions/resources/store.ts';

/** Both stores of the function. */
export interface Stores {
  readonly resources: ResourceStore;
  readonly evidence: EvidenceStore;
}

/** Thrown in place of a SIGKILL: the instance that it hit does nothing any more. */
export class Killed extends Error {
  override readonly name = 'Killed';
}

/** Decides at which calls of a store the process dies. */
export interface Killer {
  /** Calls so far, over all instances. */
  calls: number;
  kills: number;
  readonly wrap: (stores: Stores) => Stores;
}

/** Dies before or after the effect of every call for which `when` holds. */
export function createKiller(when: (call: number) => 'before' | 'after' | undefined): Killer {
  const killer: Killer = {
    calls: 0,
    kills: 0,
    wrap: (stores) => {
      let dead = false;
      const die = (): never => {
        if (!dead) killer.kills += 1;
        dead = true;
        throw new Killed('killed');
      };
      async function guard<Result>(work: () => Promise<Result>): Promise<Result> {
        if (dead) return die();
        killer.calls += 1;
        const how = when(killer.calls);
        if (how === 'before') return die();
        const result = await work();
        return how === 'after' ? die() : result;
      }
      return {
        resources: guardResources(stores.resources, guard),
        evidence: guardEvidence(stores.evidence, guard),
      };
    },
  };
  return killer;
}

type Guard = <Result>(work: () => Promise<Result>) => Promise<Result>;

function guardResources(store: ResourceStore, guard: Guard): ResourceStore {
  return {
    get: (kind, namespace, name) => guard(() => store.get(kind, namespace, name)),
    list: (kind, namespace, options) => guard(() => store.list(kind, namespace, options)),
    watch: (kind, version, options) => store.watch(kind, version, options),
    applySpec: (input, options) => guard(() => store.applySpec(input, options)),
    patchStatus: (object, status, finalizers) =>
      guard(() => store.patchStatus(object, status, finalizers)),
    delete: (kind, namespace, name) => guard(() => store.delete(kind, namespace, name)),
    close: () => store.close(),
  };
}

/** A store of evidence with a guard before every call but `close`. */
export function guardEvidence(store: EvidenceStore, guard: Guard): EvidenceStore {
  return {
    merge: (source, report, at) => guard(() => store.merge(source, report, at)),
    cells: (run) => guard(() => store.cells(run)),
    totals: (window) => guard(() => store.totals(window)),
    watermark: (now, stale) => guard(() => store.watermark(now, stale)),
    heardAt: () => guard(() => store.heardAt()),
    sources: (since) => guard(() => store.sources(since)),
    prune: (keep) => guard(() => store.prune(keep)),
    openTimeoutMs: () => guard(() => store.openTimeoutMs()),
    appendLook: (look) => guard(() => store.appendLook(look)),
    looks: (run) => guard(() => store.looks(run)),
    lastLook: (run) => guard(() => store.lastLook(run)),
    close: () => store.close(),
  };
}

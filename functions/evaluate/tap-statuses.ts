import { restEndsMs, type TapReport } from '../../knative/events.ts';
import type { Tap, TapStatus } from '../../knative/resources/tap.ts';
import { nodeOf } from '../evidence/evidence-rows.ts';
import type { EvidenceSource, EvidenceStore } from '../evidence/evidence-store.ts';
import { canonicalJson } from '../lib/canonical-json.ts';
import type { Clock } from '../lib/clock.ts';
import { withConditions, type Claim } from '../lib/conditions.ts';
import { CloverError } from '../lib/errors.ts';
import { listAll } from '../resources/list-all.ts';
import type { ResourceStore } from '../resources/store.ts';
import { createQueues, retryConflicts } from './in-turn.ts';

/** Where a Tap is. */
interface Key {
  readonly namespace: string;
  readonly name: string;
}

/** Writes what agents say of Taps into their statuses. */
export interface TapStatuses {
  /** Takes what an agent says, once it is merged: the Taps of which it says something else than before are brought up to date. */
  hear(source: string, taps: readonly TapReport[]): Promise<void>;
  /** Brings one Tap up to date. */
  settle(tap: Key): Promise<void>;
  /** Brings every Tap up to date: an agent that is gone says nothing of it. */
  settleAll(): Promise<void>;
  /** Whether there is any Tap. */
  exist(): Promise<boolean>;
}

/** What {@link createTapStatuses} needs. */
export interface TapStatusesOptions {
  readonly resources: Pick<ResourceStore, 'get' | 'list' | 'patchStatus'>;
  readonly evidence: Pick<EvidenceStore, 'sources'>;
  readonly clock: Clock;
  /** Someone else wrote meanwhile, so that it was done again. */
  readonly onConflict: () => void;
}

/** Level triggered: doing it again changes nothing. While the store of evidence does not answer, statuses stay as they are. */
export function createTapStatuses(options: TapStatusesOptions): TapStatuses {
  const { resources, evidence, clock, onConflict } = options;
  const inTurn = createQueues();
  /** What each node's agent said last, as far as this process heard it. */
  const heard = new Map<string, readonly TapReport[]>();

  const sources = async (): Promise<readonly EvidenceSource[] | undefined> => {
    try {
      return await evidence.sources(clock.now() - restEndsMs);
    } catch (error) {
      if (error instanceof CloverError) return undefined;
      throw error;
    }
  };

  const write = async ({ namespace, name }: Key): Promise<void> => {
    const agents = await sources();
    if (agents === undefined) return;
    const tap = await resources.get('Tap', namespace, name);
    if (tap === undefined || tap.metadata.deletionTimestamp !== undefined) return;
    const status = tapStatus(tap, agents, clock.now());
    if (isSame(status, tap.status)) return;
    await resources.patchStatus<'Tap'>(tap, status);
  };

  const settle = (tap: Key): Promise<void> => {
    const path = `${tap.namespace}/${tap.name}`;
    return inTurn(path, () => retryConflicts(`Tap ${path}`, () => write(tap), onConflict));
  };

  return {
    settle,
    async hear(source, taps) {
      const node = nodeOf(source);
      for (const tap of changesOf(heard.get(node) ?? [], taps)) await settle(tap);
      if (taps.length === 0) heard.delete(node);
      else heard.set(node, taps);
    },
    async settleAll() {
      const agents = await sources();
      if (agents === undefined) return;
      for (const tap of await listAll(resources, 'Tap')) {
        if (!isSame(tapStatus(tap, agents, clock.now()), tap.status)) await settle(tap.metadata);
      }
    },
    exist: async () => (await resources.list('Tap', undefined, { limit: 1 })).items.length > 0,
  };
}

/** A Tap's status as it should be. Equal facts give an equal status, times included. */
export function tapStatus(
  { metadata, status: before }: Tap,
  agents: readonly Pick<EvidenceSource, 'taps'>[],
  now: number,
): TapStatus {
  const { namespace, name, generation } = metadata;
  const said = agents.flatMap(({ taps }) =>
    taps.filter((tap) => tap.namespace === namespace && tap.name === name),
  );
  const selected = said.reduce((sum, tap) => sum + tap.selected, 0);
  const traced = said.reduce((sum, tap) => sum + tap.traced, 0);
  const claim = claimOf(selected, traced, said.length);
  return {
    observedGeneration: generation,
    pods: selected,
    conditions: withConditions(before.conditions, [claim], generation, now),
  };
}

function claimOf(selected: number, traced: number, nodes: number): Claim {
  const on = `on ${nodes} ${nodes === 1 ? 'node' : 'nodes'}`;
  const some = `${traced} of ${selected} pods ${on}; "cloverctl doctor" tells why not all of them`;
  if (selected === 0) {
    const message = 'no agent sees a pod of this namespace that has the labels of spec.selector';
    return { type: 'Traced', status: 'False', reason: 'NoPods', message };
  }
  if (traced === 0) return { type: 'Traced', status: 'False', reason: 'NotTraced', message: some };
  if (traced < selected) {
    return { type: 'Traced', status: 'True', reason: 'PartlyTraced', message: some };
  }
  const message = `${traced} ${traced === 1 ? 'pod' : 'pods'} ${on}`;
  return { type: 'Traced', status: 'True', reason: 'Traced', message };
}

const isSame = (a: TapStatus, b: TapStatus): boolean => canonicalJson(a) === canonicalJson(b);

/** Taps of which something else is said now. */
function changesOf(before: readonly TapReport[], now: readonly TapReport[]): readonly Key[] {
  const [old, known] = [new Set(before.map(canonicalJson)), new Set(now.map(canonicalJson))];
  return [
    ...before.filter((tap) => !known.has(canonicalJson(tap))),
    ...now.filter((tap) => !old.has(canonicalJson(tap))),
  ];
}

import { resourceChanges, type ResourceReference } from '../../knative/events.ts';
import type { ExperimentRun } from '../../knative/resources/experiment-run.ts';
import type { TrafficPolicy } from '../../knative/resources/traffic-policy.ts';
import { canonicalJson } from '../lib/canonical-json.ts';
import type { Clock } from '../lib/clock.ts';
import { CloverError } from '../lib/errors.ts';
import { isFinal } from '../lib/final-phase.ts';
import { on } from '../host/event-handler.ts';
import type { CloverFunction } from '../host/function.ts';
import { onTick } from '../host/on-tick.ts';
import type { PolicyOutcome, TrafficTarget } from '../mesh/target.ts';
import { listAll } from '../resources/list-all.ts';
import type { ResourceStore } from '../resources/store.ts';
import { coalesce } from './coalesce.ts';
import { compile } from './compile.ts';
import { policyStatus, type StatusInput } from './policy-status.ts';

/** What {@link createPolicy} works on. */
export interface PolicyDependencies {
  readonly resources: ResourceStore;
  readonly target: TrafficTarget;
  readonly clock: Clock;
}

/** The schedule that ticks while a run may move traffic, or something is not in force as it should be. */
const settleSchedule = 'policy-settle';

/** Attempts against other writers before the event is given back for another delivery. */
const attempts = 5;

/**
 * TrafficPolicies and the intents of ExperimentRuns → the target: an Envoy, or a mesh.
 *
 * Every event means the same: read what is in place, read everything else, compile, program the target, then write
 * the policies' status. So events may be lost, doubled or out of order. While the target does not
 * answer, resource events fail with CLV_GATEWAY_UNAVAILABLE, which makes their sender try again.
 */
export function createPolicy(dependencies: PolicyDependencies): CloverFunction {
  const { resources, target, clock } = dependencies;
  const counts = {
    reconciliations: 0,
    rejections: 0,
    unacknowledged: 0,
    conflicts: 0,
    statusWrites: 0,
  };
  let last: readonly PolicyOutcome[] = [];
  /** Whether the last reconciliation left nothing to do; a run that is not over may have an event that never arrives. */
  let isSettled = true;
  /** What runs and policies wanted of the traffic that is in force, by {@link keyOf}; none after a failure. */
  let inForce: ReadonlyMap<string, string> = new Map();

  const retryOnConflict = async <Value>(work: () => Promise<Value>): Promise<Value> => {
    for (let attempt = 1; ; attempt += 1) {
      try {
        return await work();
      } catch (error) {
        if (!isConflict(error) || attempt === attempts) throw error;
        counts.conflicts += 1;
      }
    }
  };

  /** What is in place, and after that what should be. */
  const look = async () => {
    const reading = await target.read();
    const [policies, runs] = await Promise.all([
      listAll(resources, 'TrafficPolicy'),
      listAll(resources, 'ExperimentRun'),
    ]);
    const { released } = reading;
    const place = (policy: TrafficPolicy) => target.place(policy);
    return {
      reading,
      traffic: compile(policies, runs, { released, place }),
      isRunning: runs.some(({ status }) => !isFinal(status.phase)),
      wanted: new Map(runs.map((run) => [keyOf('ExperimentRun', run.metadata), wishOf(run)])),
    };
  };

  /** The policy with the status that tells of its spec; undefined if it is another one by now. */
  const writeStatus = async (input: StatusInput): Promise<TrafficPolicy | undefined> => {
    let current: TrafficPolicy | undefined = input.compiled.policy;
    const { uid, generation, namespace, name } = current.metadata;
    return retryOnConflict(async () => {
      current ??= await resources.get('TrafficPolicy', namespace, name);
      // A newer spec has its own event; a deleted object needs no status.
      if (current?.metadata.uid !== uid || current.metadata.generation !== generation)
        return undefined;
      const policy = current;
      current = undefined;
      const status = policyStatus({ ...input, compiled: { ...input.compiled, policy } });
      if (canonicalJson(status) === canonicalJson(policy.status)) return policy;
      const written = await resources
        .patchStatus<'TrafficPolicy'>(policy, status)
        .catch(ignoreMissing);
      counts.statusWrites += 1;
      return written;
    });
  };

  const reconcileOnce = async (resync: boolean): Promise<void> => {
    counts.reconciliations += 1;
    const { traffic, isRunning, wanted, outcomes } = await retryOnConflict(async () => {
      const looked = await look();
      return {
        ...looked,
        outcomes: await looked.reading.program(looked.traffic, { resync }),
      };
    });
    last = [...outcomes.values()];
    counts.rejections += last.filter(({ state }) => state === 'rejected').length;
    const unknown = last.filter(({ state }) => state === 'unknown');
    counts.unacknowledged += unknown.length;
    for (const compiled of traffic.policies) {
      const outcome = outcomes.get(compiled.key);
      const told = await writeStatus({ compiled, outcome, now: clock.now() });
      // What is refused is tried again with every event.
      if (told === undefined || outcome?.state === 'rejected') continue;
      wanted.set(keyOf('TrafficPolicy', told.metadata), wishOf(told));
    }
    if (unknown[0] !== undefined && !resync) {
      throw new CloverError('CLV_GATEWAY_UNAVAILABLE', unknown[0].message, { retryAfter: 1 });
    }
    isSettled = !isRunning && last.every(isAtRest);
    if (last.every(isAtRest)) inForce = wanted;
  };

  /**
   * A run changes with every look, and what it wants of the traffic a few times in its life; a policy changes with every status that
   * is written here. Only what is not in force is worth reading everything for.
   */
  const isKnown = async ({ kind, namespace, name }: ResourceReference): Promise<boolean> => {
    const key = keyOf(kind, { namespace, name });
    if (!inForce.has(key)) return false;
    const found =
      kind === 'TrafficPolicy'
        ? await resources.get(kind, namespace, name)
        : (await resources.list('ExperimentRun', namespace, { name })).items[0];
    // Asked for after the answer: a reconciliation may have begun meanwhile.
    return found !== undefined && wishOf(found) === inForce.get(key);
  };

  const reconcile = coalesce(
    async ({ resync }: { readonly resync: boolean }) => {
      try {
        inForce = new Map();
        await reconcileOnce(resync);
      } catch (error) {
        isSettled = false;
        throw error;
      }
    },
    (left, right) => ({ resync: left.resync && right.resync }),
  );

  return {
    name: 'policy',
    handlers: [
      ...Object.values(resourceChanges).map((change) =>
        on(change, async ({ data }) => {
          if (!(await isKnown(data))) await reconcile({ resync: false });
        }),
      ),
      onTick(() => reconcile({ resync: true })),
    ],
    isActive: async (schedule) => {
      if (schedule === settleSchedule) return !isSettled;
      if (last.some(({ state }) => state !== 'acknowledged')) return true;
      const { reading, traffic } = await look();
      // The event of the last policy's deletion may be lost: its routes must not stay.
      return traffic.policies.length > 0 || !reading.isSettled(traffic);
    },
    counters: () => ({ ...counts, ...target.counters() }),
  };
}

const keyOf = (kind: string, { namespace, name }: { namespace: string; name: string }): string =>
  `${kind}/${namespace}/${name}`;

/**
 * All that the traffic depends on of a run: an epoch has one intent. Of a policy: a generation has one spec, and a status that others
 * wrote over is to be written again.
 */
function wishOf({ kind, metadata, status }: ExperimentRun | TrafficPolicy): string {
  return canonicalJson(
    kind === 'TrafficPolicy'
      ? [metadata.uid, metadata.generation, status]
      : [metadata.uid, status.intent?.epoch ?? 0, status.phase ?? ''],
  );
}

/** Where there is no mesh, a look each minute would only keep a pod. */
function isAtRest({ state, reason }: PolicyOutcome): boolean {
  return state === 'acknowledged' || reason === 'MeshNotFound';
}

function isConflict(error: unknown): boolean {
  return error instanceof CloverError && error.code === 'CLV_CONFLICT';
}

function ignoreMissing(error: unknown): undefined {
  if (!(error instanceof CloverError) || error.code !== 'CLV_NOT_FOUND') throw error;
  return undefined;
}

import { resourceChanges } from '../../knative/events.ts';
import { canonicalJson, sha256 } from '../lib/canonical-json.ts';
import type { Clock } from '../lib/clock.ts';
import { CloverError } from '../lib/errors.ts';
import { on } from '../host/event-handler.ts';
import type { CloverFunction } from '../host/function.ts';
import { onTick } from '../host/on-tick.ts';
import type { ResourceStore } from '../resources/store.ts';
import { coalesce } from './coalesce.ts';
import { compile, type CompiledPolicy } from './compile.ts';
import { renderEnvoy } from '../mesh/envoy/renderer.ts';
import { parseEnvoyResources } from '../mesh/envoy/resources.ts';
import type { Gateway } from '../mesh/gateway.ts';
import { policyStatus, type ProgramOutcome, type StatusInput } from './policy-status.ts';
import type { EnvoySnapshot, SnapshotStore } from './snapshot-store.ts';

/** What {@link createPolicy} works on. */
export interface PolicyDependencies {
  readonly resources: ResourceStore;
  readonly snapshots: SnapshotStore;
  readonly gateway: Gateway;
  readonly clock: Clock;
}

/** Attempts against other writers before the event is given back for another delivery. */
const attempts = 5;

/**
 * TrafficPolicies and the intents of ExperimentRuns → the gateway.
 *
 * Every event means the same: read everything, render, commit the snapshot, program the gateway, then write
 * the policies' status. So events may be lost, doubled or out of order. While the gateway does not
 * answer, resource events fail with CLV_GATEWAY_UNAVAILABLE, which makes their sender try again.
 */
export function createPolicy(dependencies: PolicyDependencies): CloverFunction {
  const { resources, snapshots, gateway, clock } = dependencies;
  const counts = {
    reconciliations: 0,
    snapshots: 0,
    rejections: 0,
    unacknowledged: 0,
    conflicts: 0,
    statusWrites: 0,
  };
  let last: { readonly version: number; readonly outcome: ProgramOutcome } | undefined;

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

  /** What the gateway should have now, beside the head. */
  const render = async () => {
    const head = await snapshots.head();
    const [policies, runs] = await Promise.all([
      resources.list('TrafficPolicy'),
      resources.list('ExperimentRun'),
    ]);
    const compiled = compile(policies.items, runs.items, new Set(head?.released));
    const text = canonicalJson(renderEnvoy(compiled.form, gateway.xdsDir));
    const hash = sha256(text);
    const fence = gateway.fence();
    const isSettled =
      head !== undefined &&
      head.hash === hash &&
      // Files from the future: the database was lost. Numbers go on above them.
      fence <= head.version &&
      canonicalJson(head.released) === canonicalJson(compiled.released);
    return { head, compiled, text, hash, fence, isSettled };
  };

  /** The head that carries the traffic of now: the present one, or one more. */
  const settleHead = async (): Promise<{
    readonly head: EnvoySnapshot;
    readonly policies: readonly CompiledPolicy[];
  }> => {
    const { head, compiled, text, hash, fence, isSettled } = await render();
    if (head !== undefined && isSettled) return { head, policies: compiled.policies };
    const version = Math.max(head?.version ?? 0, fence) + 1;
    const next = { version, hash, resources: text, released: compiled.released };
    const advanced = await snapshots.advance(head?.version ?? 0, next);
    counts.snapshots += 1;
    return { head: advanced, policies: compiled.policies };
  };

  const program = async (head: EnvoySnapshot, resync: boolean): Promise<ProgramOutcome> => {
    // The same bytes would be refused again; once a minute is often enough to see whether Envoy changed.
    if (!resync && last?.version === head.version && last.outcome.state === 'rejected') {
      return last.outcome;
    }
    const outcome = await applyTo(gateway, head);
    if (outcome.state === 'rejected') counts.rejections += 1;
    if (outcome.state === 'unknown') counts.unacknowledged += 1;
    last = { version: head.version, outcome };
    return outcome;
  };

  const writeStatus = async (input: StatusInput): Promise<void> => {
    let current: CompiledPolicy['policy'] | undefined = input.compiled.policy;
    const { uid, generation, namespace, name } = current.metadata;
    await retryOnConflict(async () => {
      current ??= await resources.get('TrafficPolicy', namespace, name);
      // A newer spec has its own event; a deleted object needs no status.
      if (current?.metadata.uid !== uid || current.metadata.generation !== generation) return;
      const policy = current;
      current = undefined;
      const status = policyStatus({ ...input, compiled: { ...input.compiled, policy } });
      if (canonicalJson(status) === canonicalJson(policy.status)) return;
      await resources.patchStatus<'TrafficPolicy'>(policy, status).catch(ignoreMissing);
      counts.statusWrites += 1;
    });
  };

  const reconcile = coalesce(
    async ({ resync }: { readonly resync: boolean }) => {
      counts.reconciliations += 1;
      const { head, policies, outcome } = await retryOnConflict(async () => {
        const settled = await settleHead();
        return { ...settled, outcome: await program(settled.head, resync) };
      });
      for (const compiled of policies) {
        await writeStatus({ compiled, head, outcome, now: clock.now() });
      }
      if (outcome.state === 'unknown' && !resync) {
        throw new CloverError('CLV_GATEWAY_UNAVAILABLE', outcome.message, { retryAfter: 1 });
      }
    },
    (left, right) => ({ resync: left.resync && right.resync }),
  );

  return {
    name: 'policy',
    handlers: [
      ...Object.values(resourceChanges).map((change) =>
        on(change, () => reconcile({ resync: false })),
      ),
      onTick(() => reconcile({ resync: true })),
    ],
    isActive: async () => {
      if (last !== undefined && last.outcome.state !== 'acknowledged') return true;
      const { head, compiled, isSettled } = await render();
      // The event of the last policy's deletion may be lost: its routes must not stay.
      return compiled.policies.length > 0 || (head !== undefined && !isSettled);
    },
    counters: () => ({ ...counts, snapshot: last?.version ?? 0 }),
  };
}

async function applyTo(gateway: Gateway, head: EnvoySnapshot): Promise<ProgramOutcome> {
  try {
    const { state, message = 'the gateway does not answer' } = await gateway.apply({
      version: head.version,
      resources: parseEnvoyResources(head.resources),
    });
    return state === 'acknowledged' ? { state } : { state, message };
  } catch (error) {
    if (!(error instanceof CloverError) || error.code !== 'CLV_GATEWAY_REJECTED') throw error;
    const parts = new Map(error.details.map(({ field, message }) => [field, message]));
    return { state: 'rejected', parts };
  }
}

function isConflict(error: unknown): boolean {
  return error instanceof CloverError && error.code === 'CLV_CONFLICT';
}

function ignoreMissing(error: unknown): void {
  if (!(error instanceof CloverError) || error.code !== 'CLV_NOT_FOUND') throw error;
}

import type { ApiClient } from '../functions/api/client.ts';
import { CloverError } from '../functions/lib/errors.ts';
import type { Phase } from '../knative/resources/experiment.ts';
import type { AnyResource } from '../knative/resources/kinds.ts';
import type { CliEnv } from './env.ts';

/** The object when the wait ended, and its state in a word. */
export interface Settled {
  readonly object: AnyResource;
  readonly text: string;
}

/**
 * Follows an object until its policy is programmed or its experiment has ended.
 * @throws CloverError CLV_GATEWAY_REJECTED, CLV_CONFLICT for an experiment that ended otherwise
 *   than wished, CLV_NOT_FOUND when it is deleted, CLV_DEADLINE_EXCEEDED after `timeoutMs`.
 */
export async function waitUntilDone(
  client: ApiClient,
  object: AnyResource,
  timeoutMs: number,
  env: CliEnv,
): Promise<Settled> {
  const { kind, metadata } = object;
  const { namespace, name, generation, uid } = metadata;
  const already = stateOf(object, generation);
  if (already !== undefined) return { object, text: already };
  const timeout = AbortSignal.timeout(timeoutMs);
  const signal = AbortSignal.any([timeout, env.signal]);
  let last = object;
  // With the object as it was: one that is gone by now would not be told of.
  const changes = client.watch(kind, { namespace, name, signal, known: [object] });
  for await (const event of changes) {
    if (event.type === 'DELETED' || event.object.metadata.uid !== uid) {
      throw new CloverError('CLV_NOT_FOUND', `${kind} ${name} was deleted during the wait`);
    }
    last = event.object;
    const text = stateOf(last, generation);
    if (text !== undefined) return { object: last, text };
  }
  env.signal.throwIfAborted();
  const message = `${kind} ${name} was not done after ${timeoutMs / 1_000} s`;
  throw new CloverError('CLV_DEADLINE_EXCEEDED', message);
}

/** The final state, or undefined while there is more to wait for. */
function stateOf(object: AnyResource, generation: number): string | undefined {
  if (object.kind === 'TrafficPolicy') return policyState(object, generation);
  if (object.kind === 'Experiment') {
    const { phase, verdict, observedGeneration = 0 } = object.status;
    if (observedGeneration < generation || !isFinal(phase)) return undefined;
    const wished: Phase = object.spec.drill === undefined ? 'Succeeded' : 'RolledBack';
    const text = `${phase.toLowerCase()}${verdict === undefined ? '' : ` (${verdict})`}`;
    if (phase === wished) return text;
    throw new CloverError('CLV_CONFLICT', `experiment ${object.metadata.name} ended ${text}`);
  }
  return '';
}

function policyState(
  { metadata, status }: Extract<AnyResource, { kind: 'TrafficPolicy' }>,
  generation: number,
): string | undefined {
  const current = (status.conditions ?? []).filter((c) => c.observedGeneration >= generation);
  const refused = current.find(({ type, status: is }) => type === 'Accepted' && is === 'False');
  if (refused !== undefined) {
    throw new CloverError('CLV_GATEWAY_REJECTED', `${metadata.name}: ${refused.message}`);
  }
  const done = current.some(({ type, status: is }) => type === 'Programmed' && is === 'True');
  return done ? 'programmed' : undefined;
}

function isFinal(phase: Phase | undefined): phase is Phase {
  return phase === 'Succeeded' || phase === 'RolledBack' || phase === 'Failed';
}

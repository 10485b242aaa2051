import { eventTypes } from '../../knative/events.ts';
import { CloverError } from '../lib/errors.ts';
import { excerpt } from '../lib/excerpt.ts';
import { createBearerCheck } from './bearer.ts';
import type { EmitEvent } from './invocation.ts';

/** What the token of agents is good for: it is on every node, so a node that is taken over has no more than this. */
export interface AgentCalls {
  /** Whether an Authorization header carries the token. */
  isAgent(authorization: string | undefined): boolean;
  /**
   * Lets through what agents ask for, and nothing else.
   * @throws CloverError CLV_FORBIDDEN.
   */
  demand(method: string | undefined, path: string): void;
  /** The broker as agents have it: it takes reports, and no change of an object. Rejects with CLV_FORBIDDEN. */
  publisher(publish: EmitEvent): EmitEvent;
}

/** An agent sends spans and evidence, and on a plain host reads the Taps here. */
const calls: ReadonlySet<string> = new Set([
  'POST /functions/ingest',
  'POST /broker',
  'GET /apis/clover.dev/v1alpha1/taps',
]);

/** Callers that have this token are agents. */
export function createAgentCalls(token: string): AgentCalls {
  return {
    isAgent: createBearerCheck(token),
    demand(method, path) {
      const call = `${method} ${path}`;
      if (calls.has(call)) return;
      const message = `the token of agents is not for ${excerpt(call)}: only for spans, evidence and the list of Taps; send the token of the control plane`;
      throw new CloverError('CLV_FORBIDDEN', message);
    },
    publisher: (publish) => async (event) => {
      if (event.type === eventTypes.evidence) return publish(event);
      const message = `type: found ${excerpt(event.type)}; with the token of agents it must be ${eventTypes.evidence}`;
      throw new CloverError('CLV_FORBIDDEN', message);
    },
  };
}

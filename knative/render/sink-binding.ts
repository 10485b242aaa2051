import type { ISinkBinding } from '@kubernetes-models/knative/sources.knative.dev/v1/SinkBinding';
import { eventTypes } from '../events.ts';
import { brokerOf, brokerReference } from './broker.ts';
import { functionTable } from './function-table.ts';
import type { Installation } from './installation.ts';
import { namespaced, type Rendered } from './kubernetes-object.ts';

/** What sends events of its own to a broker. */
export interface Sender {
  /** Of the object, and of what is bound to it. */
  readonly name: string;
  readonly subject: { readonly apiVersion: string; readonly kind: string };
  /** The types that it sends: all of one broker, and at least one. */
  readonly emits: readonly string[];
}

const agents: Sender = {
  name: 'agent',
  subject: { apiVersion: 'apps/v1', kind: 'DaemonSet' },
  emits: [eventTypes.evidence],
};

/**
 * Agents, where there are any, and functions that emit, in alphabetical order. Spans are not here: agents send those to
 * ingest itself.
 */
export function sendersOf({ agent }: Installation): Sender[] {
  const functions = functionTable
    .filter(({ emits }) => emits.length > 0)
    .map(({ name, emits }) => ({
      name,
      subject: { apiVersion: 'serving.knative.dev/v1', kind: 'Service' },
      emits,
    }));
  // A binding of nothing is never Ready, and a broker is not while a policy names it.
  return agent.enabled ? [agents, ...functions] : functions;
}

/** Tells a sender where the broker is (`K_SINK`), and gives it an identity there. */
export function sinkBinding(
  installation: Installation,
  { name, subject, emits }: Sender,
): Rendered<Omit<ISinkBinding, 'status'>> {
  return {
    apiVersion: 'sources.knative.dev/v1',
    kind: 'SinkBinding',
    metadata: namespaced(installation, 'event', name, name),
    spec: {
      subject: { ...subject, namespace: installation.namespace, name },
      sink: { ref: brokerReference(brokerOf(emits[0])) },
    },
  };
}

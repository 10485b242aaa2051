import type { IEventPolicy } from '@kubernetes-models/knative/eventing.knative.dev/v1alpha1/EventPolicy';
import { resourceChanges } from '../events.ts';
import { resourceEvents } from './api-server-source.ts';
import { brokerOf, brokerReference } from './broker.ts';
import { ofTypes } from './filter.ts';
import type { Installation } from './installation.ts';
import { namespaced, type Rendered } from './kubernetes-object.ts';
import { sendersOf } from './sink-binding.ts';

interface Permission {
  readonly from: { readonly kind: string; readonly name: string };
  readonly types: readonly string[];
}

function permissionsOf(installation: Installation): Permission[] {
  return [
    ...sendersOf(installation).map(({ name, emits }) => ({
      from: { kind: 'SinkBinding', name },
      types: emits,
    })),
    {
      from: { kind: 'ApiServerSource', name: resourceEvents },
      types: Object.values(resourceChanges).map(({ type }) => type),
    },
  ];
}

/**
 * Who may send what to a broker: each sender the types that are its own, and nobody else anything. None while Eventing
 * does not ask senders who they are: its webhook refuses them then.
 */
export function eventPolicies(installation: Installation): Rendered<IEventPolicy>[] {
  const { namespace, oidc } = installation;
  if (!oidc) return [];
  return permissionsOf(installation).map(({ from, types }) => {
    const broker = brokerReference(brokerOf(types[0]));
    return {
      apiVersion: 'eventing.knative.dev/v1alpha1',
      kind: 'EventPolicy',
      metadata: namespaced(installation, 'access', `${from.name}-to-${broker.name}`, from.name),
      spec: {
        to: [{ ref: broker }],
        from: [{ ref: { apiVersion: 'sources.knative.dev/v1', namespace, ...from } }],
        filters: [ofTypes(types)],
      },
    };
  });
}

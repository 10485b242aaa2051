import type { IBroker } from '@kubernetes-models/knative/eventing.knative.dev/v1/Broker';
import type { IKReference } from '@kubernetes-models/knative/duck.knative.dev/v1/KReference';
import { defaultDelivery } from '../catalogue.ts';
import { knativeDelivery } from './delivery.ts';
import type { Installation } from './installation.ts';
import { namespaced, type Rendered } from './kubernetes-object.ts';

/** The broker of all events of an installation, as others in its namespace refer to it. */
export const brokerReference = {
  apiVersion: 'eventing.knative.dev/v1',
  kind: 'Broker',
  name: 'clover',
} as const satisfies IKReference;

/** The Broker. Its class cannot change later: a Broker of another class has to be made anew. */
export function broker(installation: Installation): Rendered<IBroker> {
  const { class: brokerClass, config } = installation.broker ?? {};
  const { apiVersion, kind, name } = brokerReference;
  return {
    apiVersion,
    kind,
    metadata: {
      ...namespaced(installation, 'event', name),
      ...(brokerClass !== undefined && {
        annotations: { 'eventing.knative.dev/broker.class': brokerClass },
      }),
    },
    spec: {
      ...(config !== undefined && { config: { ...config } }),
      delivery: knativeDelivery(defaultDelivery, installation, name),
    },
  };
}

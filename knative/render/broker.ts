import type { IBroker } from '@kubernetes-models/knative/eventing.knative.dev/v1/Broker';
import type { IKReference } from '@kubernetes-models/knative/duck.knative.dev/v1/KReference';
import { defaultDelivery } from '../catalogue.ts';
import { eventTypes } from '../events.ts';
import { knativeDelivery } from './delivery.ts';
import type { Installation } from './installation.ts';
import { namespaced, type Rendered } from './kubernetes-object.ts';

/** `reports`: what agents send. `clover`: everything else. */
export const brokerNames = ['clover', 'reports'] as const;

/** One of {@link brokerNames}. */
export type BrokerName = (typeof brokerNames)[number];

/**
 * A channel in memory answers the sender of an event when the last subscriber has taken it, after all attempts. That is right for
 * agents: what nobody could take is theirs until then. The source of resource events does not try again whatever it hears, and sends the changes of
 * a kind one after the other: there a function that fails would hold up the events behind it to all others, a roll-back for
 * minutes. With this the channel answers first. Brokers that keep events do not look at it.
 */
const answersFirst = { 'messaging.knative.dev/async-handler': 'true' } as const;

const annotationsOf: Readonly<Record<BrokerName, Readonly<Record<string, string>>>> = {
  clover: answersFirst,
  reports: {},
};

/** The broker that an event of a type goes through. */
export function brokerOf(type: string | undefined): BrokerName {
  return type === eventTypes.evidence || type === eventTypes.spans ? 'reports' : 'clover';
}

/** A broker as others in its namespace refer to it. */
export function brokerReference(name: BrokerName) {
  return { apiVersion: 'eventing.knative.dev/v1', kind: 'Broker', name } satisfies IKReference;
}

/** The Brokers. Their class cannot change later: a Broker of another class has to be made anew. */
export function brokers(installation: Installation): Rendered<IBroker>[] {
  const { class: brokerClass, config } = installation.broker ?? {};
  return brokerNames.map((name) => {
    const annotations = {
      ...annotationsOf[name],
      ...(brokerClass !== undefined && { 'eventing.knative.dev/broker.class': brokerClass }),
    };
    return {
      apiVersion: 'eventing.knative.dev/v1',
      kind: 'Broker',
      metadata: {
        ...namespaced(installation, 'event', name),
        ...(Object.keys(annotations).length > 0 && { annotations }),
      },
      spec: {
        ...(config !== undefined && { config: { ...config } }),
        delivery: knativeDelivery(defaultDelivery, installation, name),
      },
    };
  });
}

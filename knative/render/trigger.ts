import type { ITrigger } from '@kubernetes-models/knative/eventing.knative.dev/v1/Trigger';
import type { Trigger } from '../catalogue.ts';
import { brokerOf } from './broker.ts';
import { knativeDelivery } from './delivery.ts';
import { destinationOf } from './destination.ts';
import { knativeFilter } from './filter.ts';
import type { DeployedFunction } from './function-table.ts';
import type { Installation } from './installation.ts';
import { namespaced, type Rendered } from './kubernetes-object.ts';

/** The Triggers of a function, in the order of the catalogue. */
export function functionTriggers(
  installation: Installation,
  { entry }: DeployedFunction,
): Rendered<ITrigger>[] {
  return entry.triggers.map((trigger) => knativeTrigger(installation, entry.name, trigger));
}

/**
 * A Trigger that gives events of their broker to a function's Service.
 * @param path where it takes them. Default: `/`.
 */
export function knativeTrigger(
  installation: Installation,
  subscriber: string,
  { name, filter, filters = [], delivery }: Trigger,
  path?: string,
): Rendered<ITrigger> {
  return {
    apiVersion: 'eventing.knative.dev/v1',
    kind: 'Trigger',
    metadata: namespaced(installation, 'event', name, subscriber),
    spec: {
      broker: brokerOf(filter['type']),
      // Knative does not look at `filter` either where there are `filters`.
      ...(filters.length > 0
        ? { filters: filters.map(knativeFilter) }
        : { filter: { attributes: { ...filter } } }),
      subscriber: destinationOf(installation, subscriber, path),
      delivery: knativeDelivery(delivery, installation, name),
    },
  };
}

import type { IDeliverySpec } from '@kubernetes-models/knative/duck.knative.dev/v1/DeliverySpec';
import type { Delivery } from '../catalogue.ts';
import { destinationOf } from './destination.ts';
import type { Installation } from './installation.ts';

/**
 * A delivery of the catalogue, with the sink of what cannot be delivered: `ingest`, by a path that says whose it was.
 * `retryAfterMax` needs `delivery-retryafter` in Eventing's config-features: without it the object is refused.
 * @param owner the Trigger; the Broker for those that others add.
 */
export function knativeDelivery(
  { retry, backoffPolicy, backoffDelay, timeout, retryAfterMax }: Delivery,
  installation: Installation,
  owner: string,
): IDeliverySpec {
  const { deadLetters } = installation;
  return {
    retry,
    backoffPolicy,
    backoffDelay,
    timeout,
    ...(retryAfterMax !== undefined && { retryAfterMax }),
    deadLetterSink:
      deadLetters === undefined
        ? destinationOf(installation, 'ingest', `/deadletters/${owner}`)
        : { uri: deadLetters },
  };
}

import type { IDeliverySpec } from '@kubernetes-models/knative/duck.knative.dev/v1/DeliverySpec';
import type { Delivery } from '../catalogue.ts';
import type { Installation } from './installation.ts';

const ingest = { apiVersion: 'serving.knative.dev/v1', kind: 'Service', name: 'ingest' };

/**
 * A delivery of the catalogue, with the sink of what cannot be delivered: `ingest`, by a path that says whose it was.
 * `retryAfterMax` needs `delivery-retryafter` in Eventing's config-features: without it the object is refused.
 * @param owner the Trigger; the Broker for those that others add.
 */
export function knativeDelivery(
  { retry, backoffPolicy, backoffDelay, timeout, retryAfterMax }: Delivery,
  { deadLetters }: Installation,
  owner: string,
): IDeliverySpec {
  return {
    retry,
    backoffPolicy,
    backoffDelay,
    timeout,
    ...(retryAfterMax !== undefined && { retryAfterMax }),
    deadLetterSink:
      deadLetters === undefined
        ? { ref: ingest, uri: `/deadletters/${owner}` }
        : { uri: deadLetters },
  };
}

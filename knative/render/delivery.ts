import type { IDeliverySpec } from '@kubernetes-models/knative/duck.knative.dev/v1/DeliverySpec';
import type { Delivery } from '../catalogue.ts';
import type { Installation } from './installation.ts';

/**
 * A delivery of the catalogue, with the sink of what cannot be delivered. `retryAfterMax` needs
 * `delivery-retryafter` in Eventing's config-features: without it the object is refused.
 */
export function knativeDelivery(
  { retry, backoffPolicy, backoffDelay, timeout, retryAfterMax }: Delivery,
  { deadLetters }: Installation,
): IDeliverySpec {
  return {
    retry,
    backoffPolicy,
    backoffDelay,
    timeout,
    ...(retryAfterMax !== undefined && { retryAfterMax }),
    ...(deadLetters !== undefined && { deadLetterSink: { uri: deadLetters } }),
  };
}

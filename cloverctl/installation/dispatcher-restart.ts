import { z } from 'zod';
import type { KubeClient } from '../../functions/resources/kubernetes/client.ts';
import type { KubernetesObject } from '../../knative/render/kubernetes-object.ts';
import { placeOf } from './collections.ts';
import { findLive } from './live-object.ts';

const asyncHandler = 'messaging.knative.dev/async-handler';
const annotated = z.object({
  metadata: z.object({
    annotations: z
      .object({
        [asyncHandler]: z.string().optional(),
        'eventing.knative.dev/broker.class': z.string().default('MTChannelBasedBroker'),
      })
      .prefault({}),
  }),
});

/**
 * What is to be done by hand where an upgrade changes how a Broker answers; undefined where it does not. Eventing's dispatcher of
 * channels in memory reads that when it begins with a channel, and not again. Brokers of other classes do not look at it.
 */
export async function dispatcherRestart(
  client: KubeClient,
  objects: readonly KubernetesObject[],
): Promise<string | undefined> {
  const changed: string[] = [];
  for (const object of objects.filter(({ kind }) => kind === 'Broker')) {
    const live = await findLive(client, placeOf(object));
    if (live === undefined) continue;
    const { annotations } = annotated.parse(live).metadata;
    const isInMemory = annotations['eventing.knative.dev/broker.class'] === 'MTChannelBasedBroker';
    // What is not rendered stays as it is: it may be somebody's own.
    const wished = object.metadata.annotations?.[asyncHandler];
    if (isInMemory && wished !== undefined && annotations[asyncHandler] !== wished) {
      changed.push(object.metadata.name);
    }
  }
  if (changed.length === 0) return undefined;
  return `the annotation ${asyncHandler} of the Broker ${changed.join(' and ')} changes, which a channel in memory sees when its dispatcher starts anew: afterwards, kubectl rollout restart deployment/imc-dispatcher -n knative-eventing`;
}

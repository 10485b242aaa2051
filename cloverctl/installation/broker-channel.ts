import { z } from 'zod';
import type { KubeClient } from '../../functions/resources/kubernetes/client.ts';
import { objectPath, type Place } from './collections.ts';
import { liveObject, readable, type LiveObject } from './live-object.ts';
import { readinessOf, type Readiness } from './readiness.ts';

const channelled = z.object({
  status: z.object({
    annotations: z.object({
      'knative.dev/channelAPIVersion': z.string(),
      'knative.dev/channelKind': z.string(),
      'knative.dev/channelName': z.string(),
    }),
  }),
});

/**
 * Whether the channel of a Broker takes events; undefined for a Broker without one, and where one may not look. A Broker of Eventing
 * is Ready as soon as its channel has an address. Until that is Ready itself, its dispatcher answers 500 to every event, and a source of
 * resource events tries none again.
 */
export async function channelReadiness(
  client: KubeClient,
  { namespace }: Place,
  broker: LiveObject,
): Promise<Readiness | undefined> {
  const annotations = channelled.safeParse(broker).data?.status.annotations;
  if (annotations === undefined || namespace === undefined) return undefined;
  const kind = annotations['knative.dev/channelKind'];
  const path = objectPath({
    apiVersion: annotations['knative.dev/channelAPIVersion'],
    kind,
    // As Eventing itself guesses it of any kind of channel.
    plural: `${kind.toLowerCase()}s`,
    namespace,
    name: annotations['knative.dev/channelName'],
  });
  const channel = await readable(client.call({ method: 'GET', path }));
  if (channel === undefined) return undefined;
  const { ready, text } = readinessOf(kind, liveObject(channel));
  return { ready, text: ready ? text : `its channel: ${text}` };
}

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

/** The channel of a Broker; undefined for a Broker without one, and where one may not look. */
async function channelOf(
  client: KubeClient,
  { namespace }: Place,
  broker: LiveObject,
): Promise<{ readonly kind: string; readonly channel: LiveObject } | undefined> {
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
  const found = await readable(client.call({ method: 'GET', path }));
  return found === undefined ? undefined : { kind, channel: liveObject(found) };
}

/**
 * Whether the channel of a Broker takes events; undefined for a Broker without one, and where one may not look. A Broker of Eventing
 * is Ready as soon as its channel has an address. Until that is Ready itself, its dispatcher answers 500 to every event, and a source of
 * resource events tries none again.
 */
export async function channelReadiness(
  client: KubeClient,
  place: Place,
  broker: LiveObject,
): Promise<Readiness | undefined> {
  const found = await channelOf(client, place, broker);
  if (found === undefined) return undefined;
  const { ready, text } = readinessOf(found.kind, found.channel);
  return { ready, text: ready ? text : `its channel: ${text}` };
}

const subscribed = z.object({
  spec: z
    .object({ subscribers: z.array(z.object({ uid: z.string().default('') })).default([]) })
    .prefault({}),
});

/** Of which Subscriptions a Broker's channel has subscribers, by their uids; undefined as {@link channelReadiness}. */
export async function subscribersOf(
  client: KubeClient,
  place: Place,
  broker: LiveObject,
): Promise<readonly string[] | undefined> {
  const found = await channelOf(client, place, broker);
  return found && subscribed.parse(found.channel).spec.subscribers.map(({ uid }) => uid);
}

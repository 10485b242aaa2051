import { z } from 'zod';
import type { KubeClient } from '../../functions/resources/kubernetes/client.ts';
import { brokerReference } from '../../knative/render/broker.ts';
import { objectPath, placeOf, type Place } from './collections.ts';
import { findLive, type LiveObject } from './live-object.ts';

const withoutSink = z.object({
  status: z.object({
    conditions: z
      .array(z.object({ type: z.string(), status: z.string() }))
      .refine((all) =>
        all.some(({ type, status }) => type === 'SinkProvided' && status !== 'True'),
      ),
  }),
});
const addressed = z.object({ status: z.object({ address: z.object({ url: z.string() }) }) });

/**
 * Changes a SinkBinding that says that the broker has no address, while it has one. Eventing binds the subject, but never writes so:
 * its webhook, which lets the subject pass, marks the very copy of the binding that the controller beside it compares with, and that
 * finds nothing to write (`Admit` of knative.dev/pkg `webhook/psbinding`, with Eventing 1.22). So it is whenever the broker is made
 * anew. With any change of the binding it is read from the API server, and told right.
 */
export async function touchStaleBinding(
  client: KubeClient,
  binding: LiveObject,
  place: Place,
  now: number,
): Promise<void> {
  const { kind, namespace } = place;
  if (kind !== 'SinkBinding' || namespace === undefined) return;
  if (!withoutSink.safeParse(binding).success) return;
  const broker = placeOf({
    ...brokerReference,
    metadata: { name: brokerReference.name, namespace, labels: {} },
  });
  if (!addressed.safeParse(await findLive(client, broker)).success) return;
  const annotations = { 'clover.dev/touched': new Date(now).toISOString() };
  await client.call({
    method: 'PATCH',
    path: objectPath(place),
    contentType: 'application/merge-patch+json',
    body: { metadata: { annotations } },
  });
}

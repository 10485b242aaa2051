import { z } from 'zod';
import type { KubeClient } from '../../functions/resources/kubernetes/client.ts';
import { objectPath, placeOf, type Place } from './collections.ts';
import { findLive, type LiveObject } from './live-object.ts';

const withoutSink = z.object({
  spec: z.object({
    sink: z.object({
      ref: z.object({ apiVersion: z.string(), kind: z.string(), name: z.string() }),
    }),
  }),
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
 * Changes a SinkBinding that says that the broker has no address, while it has one: so it stays where a broker was made anew
 * (https://github.com/knative/eventing/issues/9189, seen with 1.22). Eventing does bind the subject, but its webhook, which lets that
 * pass, marks the very copy of the binding that the controller of the same process compares with, and that finds nothing to write.
 * After any change of the binding both have it from the API server again.
 */
export async function touchStaleBinding(
  client: KubeClient,
  binding: LiveObject,
  place: Place,
  now: number,
): Promise<void> {
  const { kind, namespace } = place;
  if (kind !== 'SinkBinding' || namespace === undefined) return;
  const stale = withoutSink.safeParse(binding).data;
  if (stale === undefined) return;
  const { name, ...broker } = stale.spec.sink.ref;
  const sink = placeOf({ ...broker, metadata: { name, namespace, labels: {} } });
  if (!addressed.safeParse(await findLive(client, sink)).success) return;
  const annotations = { 'clover.dev/touched': new Date(now).toISOString() };
  await client.call({
    method: 'PATCH',
    path: objectPath(place),
    contentType: 'application/merge-patch+json',
    body: { metadata: { annotations } },
  });
}

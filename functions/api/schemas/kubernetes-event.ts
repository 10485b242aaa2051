import { z } from 'zod';

const reference = z.looseObject({
  kind: z.string().optional(),
  namespace: z.string().optional(),
  name: z.string().optional(),
  uid: z.string().optional(),
  apiVersion: z.string().optional(),
  resourceVersion: z.string().optional(),
});

/** A record of something that happened to an object, in the form of `events.k8s.io/v1`. */
export const kubernetesEvent = z
  .looseObject({
    apiVersion: z.literal('events.k8s.io/v1'),
    kind: z.literal('Event'),
    metadata: z.looseObject({
      name: z.string(),
      namespace: z.string(),
      creationTimestamp: z.string(),
    }),
    eventTime: z.string(),
    type: z.enum(['Normal', 'Warning']),
    reason: z.string(),
    note: z.string(),
    action: z.string().optional(),
    regarding: reference.optional(),
    reportingController: z.string().optional(),
    reportingInstance: z.string().optional(),
  })
  .meta({ id: 'Event' });

/** A record of something that happened to an object, in the form of `events.k8s.io/v1`. */
export type KubernetesEvent = z.output<typeof kubernetesEvent>;

/** Records, newest first. */
export const kubernetesEventList = z
  .object({
    apiVersion: z.literal('events.k8s.io/v1'),
    kind: z.literal('EventList'),
    metadata: z.object({ resourceVersion: z.string() }),
    items: z.array(kubernetesEvent),
  })
  .meta({ id: 'EventList' });

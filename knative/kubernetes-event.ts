import { z } from 'zod';

/** API group and version of {@link KubernetesEvent}. */
export const eventsApiVersion = 'events.k8s.io/v1';

/** Schema of a reference to an object, as the records of Kubernetes have it. */
export const objectReference = z.strictObject({
  apiVersion: z.string(),
  kind: z.string(),
  namespace: z.string(),
  name: z.string(),
  uid: z.string(),
});

/** Names an object. */
export type ObjectReference = z.output<typeof objectReference>;

/** Schema of an event record: the fields of `Event` in Kubernetes' API group `events.k8s.io/v1`. */
export const kubernetesEvent = z.strictObject({
  apiVersion: z.literal(eventsApiVersion),
  kind: z.literal('Event'),
  metadata: z.strictObject({
    name: z.string(),
    namespace: z.string(),
    uid: z.string(),
    resourceVersion: z.string(),
    creationTimestamp: z.string(),
  }),
  /** When it was seen first: RFC 3339 in UTC with microseconds. */
  eventTime: z.string(),
  /** What was seen more than once with the same words. */
  series: z.strictObject({ count: z.int().min(2), lastObservedTime: z.string() }).optional(),
  reportingController: z.string(),
  reportingInstance: z.string(),
  /** What was done, in one word. */
  action: z.string(),
  /** Why, in one word: stable, made for machines. */
  reason: z.string(),
  /** What it is about. */
  regarding: objectReference,
  /** What else had a part in it. */
  related: objectReference.optional(),
  /** For people; at most 1 KiB. */
  note: z.string(),
  type: z.enum(['Normal', 'Warning']),
});

/** Something that happened to an object, kept for a while. */
export type KubernetesEvent = z.output<typeof kubernetesEvent>;

/** Schema of a list of event records, newest first. */
export const kubernetesEventList = z.strictObject({
  apiVersion: z.literal(eventsApiVersion),
  kind: z.literal('EventList'),
  metadata: z.strictObject({
    resourceVersion: z.string(),
    /** Where the next page begins; absent on the last one. */
    continue: z.string().optional(),
  }),
  items: z.array(kubernetesEvent),
});

/** A list of event records. */
export type KubernetesEventList = z.output<typeof kubernetesEventList>;

import { z } from 'zod';
import {
  eventsApiVersion,
  kubernetesEvent,
  kubernetesEventList,
} from '../../../knative/kubernetes-event.ts';
import { problem } from './problem.ts';

/** The event records, as the API answers with them. */
export const recordList = kubernetesEventList.meta({ id: 'EventList' });

const bookmark = z.object({
  apiVersion: z.literal(eventsApiVersion),
  kind: z.literal('Event'),
  metadata: z.object({ resourceVersion: z.string() }),
});

/** One line of a watch of event records. */
export const recordWatchEvent = z
  .discriminatedUnion('type', [
    z.object({ type: z.enum(['ADDED', 'MODIFIED']), object: kubernetesEvent }),
    z.object({ type: z.literal('BOOKMARK'), object: bookmark }),
    z.object({ type: z.literal('ERROR'), object: problem }),
  ])
  .meta({ id: 'EventWatchEvent' });

import { z } from 'zod';
import { receivedProblem } from './problem.ts';

/** A list of resources as a client takes it; each item is checked by itself. */
export const resourceList = z.looseObject({
  metadata: z.looseObject({
    resourceVersion: z.string(),
    continue: z.string().optional(),
    remainingItemCount: z.int().optional(),
  }),
  items: z.array(z.unknown()),
});

/** A bookmark's object: no more than how far the watch has come. */
export const bookmark = z.looseObject({
  metadata: z.looseObject({ resourceVersion: z.string() }),
});

/** One line of a watch as a client takes it. */
export const watchLine = z.discriminatedUnion('type', [
  z.object({ type: z.enum(['ADDED', 'MODIFIED', 'DELETED']), object: z.unknown() }),
  z.object({ type: z.literal('BOOKMARK'), object: bookmark }),
  z.object({ type: z.literal('ERROR'), object: receivedProblem }),
]);

const groupVersion = z.object({ groupVersion: z.string(), version: z.string() });

/** Discovery: a group. */
export const apiGroup = z
  .object({
    kind: z.literal('APIGroup'),
    apiVersion: z.literal('v1'),
    name: z.string(),
    versions: z.array(groupVersion),
    preferredVersion: groupVersion,
  })
  .meta({ id: 'APIGroup' });

/** Discovery: the groups. */
export const apiGroupList = z
  .object({
    kind: z.literal('APIGroupList'),
    apiVersion: z.literal('v1'),
    groups: z.array(apiGroup.omit({ kind: true, apiVersion: true })),
  })
  .meta({ id: 'APIGroupList' });

/** Discovery: the resources of a version. */
export const apiResourceList = z
  .object({
    kind: z.literal('APIResourceList'),
    apiVersion: z.literal('v1'),
    groupVersion: z.string(),
    resources: z.array(
      z.object({
        name: z.string(),
        singularName: z.string(),
        namespaced: z.literal(true),
        kind: z.string(),
        verbs: z.array(z.string()),
        shortNames: z.array(z.string()),
      }),
    ),
  })
  .meta({ id: 'APIResourceList' });

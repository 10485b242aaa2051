import { z } from 'zod';
import { schemasOf } from '../../../knative/resources/kind-schemas.ts';
import type { KindInfo } from '../../../knative/resources/kinds.ts';
import { dnsLabel, metadataInput } from '../../../knative/resources/meta-schemas.ts';
import { apiVersion } from '../../../knative/resources/meta.ts';
import { problem } from './problem.ts';

const condition = z
  .object({
    type: z.string(),
    status: z.enum(['True', 'False', 'Unknown']),
    reason: z.string(),
    message: z.string(),
    observedGeneration: z.int(),
    lastTransitionTime: z.string(),
  })
  .meta({ id: 'Condition' });

const labels = z.record(z.string(), z.string());

const owned = {
  uid: z.string(),
  resourceVersion: z.string().optional().meta({
    description: 'Opaque; changes with every write. Absent of what a dry run would create.',
  }),
  generation: z.int().min(0).meta({ description: 'Counts the changes of the spec.' }),
  creationTimestamp: z.string().meta({ description: 'RFC 3339, UTC.' }),
  deletionTimestamp: z.string().optional(),
  finalizers: z.array(z.string()).optional(),
};

const objectMeta = z
  .object({
    name: z.string(),
    namespace: z.string(),
    ...owned,
    labels: labels.optional(),
    annotations: labels.optional(),
  })
  .meta({ id: 'ObjectMeta' });

const listMeta = z
  .object({
    resourceVersion: z.string().meta({ description: 'From where a watch goes on without a gap.' }),
    continue: z.string().optional().meta({ description: 'Names the next page.' }),
    remainingItemCount: z.int().min(0).optional(),
  })
  .meta({ id: 'ListMeta' });

const writtenMeta = metadataInput
  .extend({
    namespace: dnsLabel
      .optional()
      .meta({ description: 'That of the address, which it need not repeat.' }),
    ...z.object(owned).partial().shape,
  })
  .meta({ id: 'WrittenMeta', description: 'Fields that Clover owns are taken and passed over.' });

/** The schemas of one kind. Each has a name of its own in the OpenAPI document: make them once. */
export interface KindSchemas {
  /** A stored object. */
  readonly object: z.ZodType;
  readonly list: z.ZodType;
  /** One line of a watch. */
  readonly watchEvent: z.ZodType;
  /** A document as users write it, or send it back as they read it. */
  readonly document: z.ZodType;
}

/** Makes the schemas of a kind. */
export function kindSchemas(info: KindInfo): KindSchemas {
  const { kind } = info;
  const head = { apiVersion: z.literal(apiVersion), kind: z.literal(kind) };
  const { spec } = schemasOf[kind];
  const status = z.looseObject({
    observedGeneration: z.int().optional(),
    conditions: z.array(condition).optional(),
  });
  const object = z.object({ ...head, metadata: objectMeta, spec, status }).meta({ id: kind });
  const bookmark = z.object({ ...head, metadata: z.object({ resourceVersion: z.string() }) });
  return {
    object,
    list: z
      .object({
        apiVersion: z.literal(apiVersion),
        kind: z.literal(`${kind}List`),
        metadata: listMeta,
        items: z.array(object),
      })
      .meta({ id: `${kind}List` }),
    watchEvent: z
      .discriminatedUnion('type', [
        z.object({ type: z.enum(['ADDED', 'MODIFIED', 'DELETED']), object }),
        z.object({ type: z.literal('BOOKMARK'), object: bookmark }),
        z.object({ type: z.literal('ERROR'), object: problem }),
      ])
      .meta({ id: `${kind}WatchEvent` }),
    document: z
      .strictObject({ ...head, metadata: writtenMeta, spec, status: z.unknown().optional() })
      .meta({ id: `${kind}Document` }),
  };
}

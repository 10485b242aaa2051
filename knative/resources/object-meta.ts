import { z } from 'zod';
import { dnsLabel, metadataInput } from './meta-schemas.ts';

const byStore = 'Set by the store';

/** Metadata of an object with what the store keeps of it, for `explain` and the reference: nothing is checked by it. */
export const objectMeta = metadataInput.extend({
  name: dnsLabel.describe('Name of the object.'),
  uid: z
    .string()
    .exactOptional()
    .describe(`Tells it from earlier objects of its name. ${byStore}.`),
  resourceVersion: z
    .string()
    .exactOptional()
    .describe(
      `Changes with every write; an apply that names it is refused when it is not that of the object any more. ${byStore}.`,
    ),
  generation: z
    .int()
    .exactOptional()
    .describe(`Counts the changes of \`spec\`, from 1. ${byStore}.`),
  creationTimestamp: z
    .string()
    .meta({ format: 'date-time' })
    .exactOptional()
    .describe(`When the object was created. RFC 3339, UTC. ${byStore}.`),
  deletionTimestamp: z
    .string()
    .meta({ format: 'date-time' })
    .exactOptional()
    .describe(
      `When its deletion was asked for: it goes away once no finalizer is left. RFC 3339, UTC. ${byStore}.`,
    ),
  finalizers: z
    .array(z.string())
    .exactOptional()
    .describe('Who has something to undo before the object goes away. Set by functions of Clover.'),
});

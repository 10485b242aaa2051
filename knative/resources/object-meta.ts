import { z } from 'zod';
import { dnsLabel, metadataInput, time } from './meta-schemas.ts';

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
  creationTimestamp: time(`When the object was created. ${byStore}.`).exactOptional(),
  deletionTimestamp: time(
    `When its deletion was asked for: it goes away once no finalizer is left. ${byStore}.`,
  ).exactOptional(),
  finalizers: z
    .array(z.string())
    .exactOptional()
    .describe('Who has something to undo before the object goes away. Set by functions of Clover.'),
});

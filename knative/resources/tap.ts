import { z } from 'zod';
import { condition, labelValue, observedGeneration } from './meta-schemas.ts';
import type { Resource } from './meta.ts';
import { mapList, setList, type Frozen } from './rule.ts';

/** Schema of `Tap.spec`. */
export const tapSpec = z
  .strictObject({
    selector: z
      .strictObject({
        matchLabels: z
          .record(z.string(), labelValue)
          .default({})
          .meta({ maxProperties: 32 })
          .describe('Labels that a pod has to have, each with this value.'),
      })
      .default({ matchLabels: {} })
      .describe('Which pods of the namespace are traced. Empty: every one.'),
    ports: z
      .array(z.int().min(1).max(65_535))
      .min(1)
      .max(64)
      .meta(setList)
      .optional()
      .describe(
        'TCP ports of servers to trace; left out: every port. A node traces the ports of all Taps that select one of its pods, on each of these pods.',
      ),
  })
  .describe('What agents trace.');

/** What agents trace. */
export type TapSpec = z.output<typeof tapSpec>;

/** Schema of `Tap.status`. */
export const tapStatus = z
  .strictObject({
    observedGeneration,
    conditions: z
      .array(condition)
      .meta(mapList('type'))
      .exactOptional()
      .describe('None are set today.'),
  })
  .describe('What became of the wish.');

/** The fact about a Tap. */
export type TapStatus = Frozen<z.output<typeof tapStatus>>;

/** Selects the pods of its namespace, and their ports, that agents trace. */
export type Tap = Resource<'Tap', TapSpec, TapStatus>;

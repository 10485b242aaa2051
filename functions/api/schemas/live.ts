import { z } from 'zod';
import { redRow, window } from './questions.ts';

const arms = z.object({ control: z.number(), variant: z.number() });

const liveExperiment = z
  .object({
    namespace: z.string(),
    name: z.string(),
    target: z.string().meta({ description: 'Its TrafficPolicy.' }),
    control: z.string(),
    variant: z.string(),
    run: z.string().optional(),
    phase: z.string(),
    verdict: z.string().optional(),
    variantWeight: z.number().optional().meta({ description: 'Percent.' }),
    epoch: z.int().optional(),
    look: z.int().optional().meta({ description: 'Number of the newest look.' }),
    samples: arms.optional(),
    errors: arms.optional(),
    effects: z
      .array(
        z.object({
          metric: z.string(),
          estimate: z.number().meta({ description: 'Ratio minus one: 0.05 is 5 % more.' }),
          low: z.number(),
          high: z.number(),
        }),
      )
      .optional(),
  })
  .meta({ id: 'LiveExperiment' });

/** An experiment as the live view shows it. */
export type LiveExperiment = z.output<typeof liveExperiment>;

/** Everything that moves, at one instant. */
export const liveView = z
  .object({
    at: z.int().meta({ description: 'Unix milliseconds.' }),
    red: z
      .object({ window, rows: z.array(redRow) })
      .nullable()
      .meta({ description: 'Of the last minute; null while analytics does not answer.' }),
    experiments: z
      .array(liveExperiment)
      .meta({ description: 'Those that are not over, or ended within the last five minutes.' }),
    broker: z.record(z.string(), z.number()).meta({ description: 'Counters of the broker.' }),
  })
  .meta({ id: 'LiveView' });

/** Everything that moves, at one instant. */
export type LiveView = z.output<typeof liveView>;

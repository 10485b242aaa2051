import { z } from 'zod';
import { condition, labelValue, observedGeneration } from './meta-schemas.ts';
import type { Resource } from './meta.ts';
import { mapList, must, setList, type Frozen } from './rule.ts';

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
        'Ports of servers to trace, of TCP and UDP alike; left out: every port. A node traces the ports of all Taps that select one of its pods, on each of these pods.',
      ),
    sampling: z
      .strictObject({
        ratio: z
          .number()
          .min(0)
          .max(1)
          .default(1)
          .describe(
            "Share of the traces of which spans are kept, by the trace id alone, as OpenTelemetry's TraceIdRatioBased sampler: all that see a trace agree. Metrics and evidence count every request.",
          ),
        parentBased: z
          .boolean()
          .default(false)
          .describe(
            'Whether a request that says what its caller has decided (the sampled flag of its trace context) follows that.',
          ),
      })
      .optional()
      .describe(
        'Which requests become spans; left out: every one. Of several Taps that select a pod, the one that keeps most counts.',
      ),
    sinks: z
      .array(
        z
          .string()
          .max(63)
          .regex(/^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/)
          .meta(must('be a name as the agent has it')),
      )
      .min(1)
      .max(16)
      .meta(setList)
      .optional()
      .describe(
        "Collectors that the spans are sent to over OTLP, beside Clover, by their names below `sinks` of the agent's configuration. Several Taps that select a pod add theirs.",
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

import { z } from 'zod';
import { conditionMessageMax } from './condition-message.ts';
import { must, rules } from './rule.ts';

const mustBeLabel = 'must be a DNS-1123 label, for example "proxy-v2"';

/** A DNS-1123 label (RFC 1123 §2.1): names of objects, versions and runs. */
export const dnsLabel = z
  .string()
  .regex(/^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/, mustBeLabel)
  .max(63)
  .meta(must(mustBeLabel));

const mustBeDuration = 'must be a duration such as "250ms", "30s" or "5m"';
const aYear = "duration(self) <= duration('8760h')";

/** A span of time as Go and Kubernetes write it, at most a year: `250ms`, `30s`, `5m`, `1h`. */
export const durationText = z
  .string()
  .regex(/^([0-9]+)(ms|s|m|h)$/, mustBeDuration)
  .max(16)
  .meta(must(mustBeDuration))
  .meta(rules({ rule: aYear, message: 'must be at most a year' }));

/** A {@link durationText} of more than nothing. */
export const positiveDuration = durationText.meta(
  rules({
    rule: `duration(self) > duration('0s') && ${aYear}`,
    message: 'must be more than 0 and at most a year',
  }),
);

// As in Kubernetes, whose decoder reads a null there as the empty text.
const labels = z.record(z.string(), z.string().default(''));

const mustBeLabelValue =
  'must be a label value: at most 63 letters, digits, "-", "_" and ".", with a letter or digit at both ends';

/** A value of a label, as Kubernetes takes it. */
export const labelValue = z
  .string()
  .regex(/^(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?$/, mustBeLabelValue)
  .max(63)
  .meta(must(mustBeLabelValue));

/** Metadata as a user may write it; the store owns every other field. */
export const metadataInput = z.strictObject({
  name: dnsLabel.describe('Name of the object, unique for its kind and namespace.'),
  namespace: dnsLabel.default('default').describe('Namespace of the object.'),
  labels: labels.optional().describe('Marks by which objects are selected.'),
  annotations: labels.optional().describe('Notes for people and programs.'),
});

/** A time as Kubernetes keeps it: RFC 3339, UTC. */
export const time = (meaning: string) =>
  z.string().meta({ format: 'date-time' }).describe(`${meaning} RFC 3339, UTC.`);

/** Schema of a condition by the Kubernetes API conventions. */
export const condition = z.strictObject({
  type: z.string().min(1).max(316).describe('What the condition is about, in CamelCase.'),
  status: z.enum(['True', 'False', 'Unknown']).describe('Whether it is so.'),
  reason: z.string().min(1).max(1024).describe('Why, as one stable CamelCase word.'),
  message: z.string().max(conditionMessageMax).describe('Why, in a sentence; may be empty.'),
  observedGeneration: z.int().min(0).describe('The `metadata.generation` that this is about.'),
  lastTransitionTime: time('When `status` last changed.'),
});

/** Generation of the spec that a status is about. */
export const observedGeneration = z
  .int()
  .min(0)
  .exactOptional()
  .describe('The `metadata.generation` that this status is about.');

import { z } from 'zod';

/**
 * One filter of a trigger, with the meaning of Knative's `filters`: exactly one dialect. An
 * attribute that the event does not have matches nothing.
 */
export interface TriggerFilter {
  /** Every attribute has this value; the case counts. */
  readonly exact?: Readonly<Record<string, string>> | undefined;
  /** Every attribute begins so. */
  readonly prefix?: Readonly<Record<string, string>> | undefined;
  /** Every attribute ends so. */
  readonly suffix?: Readonly<Record<string, string>> | undefined;
  readonly all?: readonly TriggerFilter[] | undefined;
  readonly any?: readonly TriggerFilter[] | undefined;
  readonly not?: TriggerFilter | undefined;
  /** An expression of the CloudEvents SQL Expression Language 1.0; only `true` matches. */
  readonly cesql?: string | undefined;
}

/** The names of the dialects. */
const dialects = ['exact', 'prefix', 'suffix', 'all', 'any', 'not', 'cesql'] as const;

/** What Knative's webhook takes as the name of an attribute. */
const attributeName = /^[a-z][a-z0-9]*$/;

const attributes = (value: z.ZodString) =>
  z.record(z.string(), value).superRefine((record, context) => {
    for (const name of Object.keys(record).filter((key) => !attributeName.test(key))) {
      const message = 'an attribute has lower-case letters and digits, a letter first';
      context.addIssue({ code: 'custom', path: [name], message });
    }
  });

const someAttributes = attributes(z.string().min(1)).refine(
  (record) => Object.keys(record).length > 0,
  'must name an attribute',
);

const triggerFilter: z.ZodType<TriggerFilter> = z.lazy(() =>
  z
    .strictObject({
      exact: someAttributes.optional(),
      prefix: someAttributes.optional(),
      suffix: someAttributes.optional(),
      all: z.array(triggerFilter).min(1).optional(),
      any: z.array(triggerFilter).min(1).optional(),
      not: triggerFilter.optional(),
      cesql: z.string().min(1).optional(),
    })
    .refine(
      (filter) => dialects.filter((dialect) => filter[dialect] !== undefined).length === 1,
      `must have exactly one of: ${dialects.join(', ')}`,
    ),
);

/** Schema of the fields of a trigger that choose its events. */
export const triggerFilters = z.strictObject({
  filter: attributes(z.string()),
  filters: z.array(triggerFilter),
});

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

const attributes = z.record(z.string(), z.string().min(1)).superRefine((record, context) => {
  const names = Object.keys(record);
  if (names.length === 0) context.addIssue('must name an attribute');
  for (const name of names.filter((candidate) => !attributeName.test(candidate))) {
    const message = 'an attribute has lower-case letters and digits, a letter first';
    context.addIssue({ code: 'custom', path: [name], message });
  }
});

/** Schema of {@link TriggerFilter}. */
export const triggerFilter: z.ZodType<TriggerFilter> = z.lazy(() =>
  z
    .strictObject({
      exact: attributes.optional(),
      prefix: attributes.optional(),
      suffix: attributes.optional(),
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

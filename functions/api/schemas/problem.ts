import { z } from 'zod';
import { errorCatalogue } from '../../lib/error-catalogue.ts';
import type { ErrorCode } from '../../lib/errors.ts';

const isErrorCode = (value: unknown): value is ErrorCode =>
  typeof value === 'string' && Object.hasOwn(errorCatalogue, value);

const detail = z.object({
  field: z.string().meta({ description: 'Path as kubectl writes it: `spec.rules[0].name`.' }),
  message: z.string(),
});

/** An answer that says what is wrong (RFC 9457), as it is written. */
export const problem = z
  .object({
    type: z.literal('about:blank'),
    title: z.string().meta({ description: 'The words of the status.' }),
    status: z.int().min(400).max(599),
    detail: z.string(),
    code: z
      .enum(Object.keys(errorCatalogue))
      .meta({ description: 'Stable; docs/errors.md says what each one means.' }),
    details: z.array(detail).meta({ description: 'What the caller may fix, place by place.' }),
  })
  .meta({ id: 'Problem', description: 'Says what is wrong, where, and what is allowed.' });

/** The same as a client takes it: a code that it does not know yet counts as internal. */
export const receivedProblem = z.looseObject({
  code: z.custom<ErrorCode>(isErrorCode).catch('CLV_INTERNAL'),
  detail: z.string().optional(),
  title: z.string().optional(),
  details: z.array(detail).default([]),
});

import { z } from 'zod';
import { errorStatus, type ErrorCode } from '../lib/errors.ts';

const isErrorCode = (value: unknown): value is ErrorCode =>
  typeof value === 'string' && Object.hasOwn(errorStatus, value);

/** `application/problem+json` as Clover writes it; a code from a newer server counts as internal. */
export const problem = z.looseObject({
  code: z.custom<ErrorCode>(isErrorCode).catch('CLV_INTERNAL'),
  detail: z.string().optional(),
  title: z.string().optional(),
  details: z.array(z.object({ field: z.string(), message: z.string() })).default([]),
});

/** A list of resources; each item is checked by itself. */
export const resourceList = z.looseObject({
  metadata: z.looseObject({ resourceVersion: z.string() }),
  items: z.array(z.unknown()),
});

/** One line of a watch. */
export const watchLine = z.discriminatedUnion('type', [
  z.object({ type: z.enum(['ADDED', 'MODIFIED', 'DELETED']), object: z.unknown() }),
  z.object({
    type: z.literal('BOOKMARK'),
    object: z.looseObject({ metadata: z.looseObject({ resourceVersion: z.string() }) }),
  }),
  z.object({ type: z.literal('ERROR'), object: problem }),
]);

/** Rows of the question `red`. */
export const redRows = z.object({
  rows: z.array(
    z.object({
      service: z.string(),
      version: z.string(),
      kind: z.string(),
      requests: z.number(),
      errors: z.number(),
      p50: z.number(),
      p95: z.number(),
      p99: z.number(),
    }),
  ),
});

/** Stored spans per stamp. */
export const storedArmRows = z.object({
  rows: z.array(
    z.object({ run: z.string(), epoch: z.number(), arm: z.string(), requests: z.number() }),
  ),
});

/** Evidence per stamp. */
export const totalRows = z.object({
  rows: z.array(
    z.object({
      splitter: z.string(),
      run: z.string(),
      epoch: z.number(),
      arm: z.string(),
      block: z.number(),
      started: z.number(),
      done: z.number(),
      errors: z.number(),
      stuck: z.number(),
      sumLog: z.number(),
      sumLogSq: z.number(),
    }),
  ),
});

/** Looks of a run. */
export const lookRows = z.object({
  rows: z.array(
    z.object({
      run: z.string(),
      number: z.number(),
      previous: z.string(),
      hash: z.string(),
      body: z.string(),
    }),
  ),
});

import { z } from 'zod';
import { eventStreamType } from '../event-stream.ts';
import type { HeaderContract, ShownSchema } from '../operation.ts';

/** Most objects that one page may have. */
export const largestPage = 500;

/** No query parameters. */
export const noQuery = z.strictObject({});

/** No path parameters. */
export const noParams = z.object({});

/** The answer of an operation that goes on: server-sent events. */
export const streamAnswer = {
  status: 200,
  description: 'The stream.',
  content: [{ mediaType: eventStreamType, schema: z.string() }],
} as const;

/** Header of every answer that has an ETag: the API makes one for each JSON answer to a GET. */
export const etag = {
  name: 'etag',
  description: 'Stands for this state; of an object, its version.',
} as const satisfies HeaderContract;

/** The one answer of an operation that reads: a JSON value with an ETag. */
export function taggedAnswer(description: string, schema: z.ZodType) {
  return [
    {
      status: 200,
      description,
      content: [{ mediaType: 'application/json', schema }],
      headers: [etag],
    },
  ] as const;
}

/** A whole number in a query or a path. */
export function wholeNumber(min: number, max: number) {
  return z
    .string()
    .regex(/^\d{1,15}$/, `must be a whole number from ${min} to ${max}`)
    .transform(Number)
    .pipe(z.int().min(min).max(max));
}

/** A switch in a query: `true` or `false`, or as Kubernetes' clients write it, `1` or `0`. */
const flag = z
  .enum(['true', 'false', '1', '0'])
  .transform((text) => text === 'true' || text === '1')
  .pipe(z.boolean());

/** The query parameter that asks for the next page of a list. */
export const nextPage = z
  .string()
  .max(4096)
  .optional()
  .meta({ description: '`metadata.continue` of the page before.' });

/** The query parameters of a watch, of a list that can be watched. */
export const watchParameters = {
  watch: flag.optional().meta({ description: 'Follow the changes instead of listing.' }),
  resourceVersion: z
    .string()
    .regex(/^\d{0,15}$/, 'must be a number')
    .optional()
    .meta({
      description:
        'Of a watch: the version after which the changes come; without it, first everything as ADDED. Lists are always of now.',
    }),
  allowWatchBookmarks: flag
    .optional()
    .meta({ description: 'Whether a watch says now and then how far it is. Default: true.' }),
  timeoutSeconds: wholeNumber(1, 86_400)
    .optional()
    .meta({ description: 'How long a watch goes on at most.' }),
} as const;

/**
 * Refuses what contradicts itself: pages belong to lists, and a time limit to a watch. For `superRefine` of a query that has
 * {@link watchParameters}.
 */
export function checkWatch(query: WatchQuery & Paging, context: z.RefinementCtx): void {
  const [wrong, message] =
    query.watch === true
      ? [['limit', 'continue'] as const, 'belongs to a list: leave it out of a watch']
      : [['timeoutSeconds'] as const, 'belongs to a watch: send it with watch=true'];
  for (const name of wrong) {
    if (query[name] !== undefined) context.addIssue({ code: 'custom', path: [name], message });
  }
}

interface Paging {
  readonly limit?: number | undefined;
  readonly continue?: string | undefined;
}

const watchQuery = z.object(watchParameters);

/** What a query says of the watch that it asks for. */
export type WatchQuery = z.output<typeof watchQuery>;

/** The headers that a watch reads. */
export const watchHeaders = [
  { name: 'last-event-id', description: 'Of a watch by server-sent events: goes on from here.' },
] as const satisfies readonly HeaderContract[];

/** The answer of a list that can be watched. */
export function watchAnswers(list: z.ZodType | ShownSchema, change: z.ZodType | ShownSchema) {
  return [
    {
      status: 200,
      description: 'The list; with `watch=true` one change per line or per server-sent event.',
      content: [
        { mediaType: 'application/json', schema: list },
        { mediaType: 'application/x-ndjson', schema: change },
        { mediaType: eventStreamType, schema: z.string() },
      ],
      headers: [etag],
    },
  ] as const;
}

/** A point in time in a query: Unix milliseconds or RFC 3339. */
export const instant = z
  .string()
  .refine((text) => Number.isFinite(unixMs(text)), {
    message: 'must be Unix milliseconds or RFC 3339, for example 2026-01-31T12:00:00Z',
  })
  .transform(unixMs)
  .meta({ anyOf: [{ type: 'integer' }, { type: 'string', format: 'date-time' }] });

/** A name in a path; one that no object can have is answered as one that no object has. */
export const nameInPath = z.string().min(1).max(253);

function unixMs(text: string): number {
  if (/^\d{1,15}$/.test(text)) return Number(text);
  return /^\d{4}-\d\d-\d\dT.*(?:Z|[+-]\d\d:\d\d)$/.test(text) ? Date.parse(text) : Number.NaN;
}

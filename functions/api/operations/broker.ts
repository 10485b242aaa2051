import { z } from 'zod';
import { operation } from '../operation.ts';
import { deadLetter, deadLetterPage } from '../schemas/broker.ts';
import {
  largestPage,
  noParams,
  noQuery,
  streamAnswer,
  taggedAnswer,
  wholeNumber,
} from './parameters.ts';

const largestId = 2 ** 53 - 1;
const id = z.object({
  id: z
    .string()
    .regex(/^\d{1,16}$/, 'must be a whole number')
    .transform(Number)
    .pipe(z.int().min(1).max(largestId)),
});

const letters = z.strictObject({
  limit: wholeNumber(1, largestPage)
    .default(100)
    .meta({ description: 'Letters of the page. Default: 100.' }),
  before: wholeNumber(1, 999_999_999_999_999)
    .optional()
    .meta({ description: '`next` of the page before.' }),
  trigger: z
    .string()
    .min(1)
    .max(253)
    .optional()
    .meta({ description: 'Only those of this trigger.' }),
});

const tailQuery = z.strictObject({
  filter: z
    .string()
    .max(6_000)
    .transform((text, context): unknown => {
      try {
        return JSON.parse(text);
      } catch {
        context.addIssue({ code: 'custom', message: 'is not JSON' });
        return z.NEVER;
      }
    })
    .optional()
    .meta({
      type: 'string',
      description:
        'JSON: only events that pass this filter, or every one of a list, as triggers have them: `{"exact":{"type":"com.example.hello"}}`, `{"cesql":"subject LIKE \'a%\'"}`.',
    }),
});

const example = { params: { id: '1' } };

/** The broker's events, and those that could not be delivered. */
export const broker = {
  tail: operation({
    id: 'tailEvents',
    method: 'get',
    path: '/v1/events',
    tag: 'Broker',
    summary: 'Events as the broker takes them, from now on',
    description:
      'Server-sent events; the data of each is a `TailedEvent`. A reader that is too slow misses events, and is told how many. Nothing is kept for a reader that comes back. `filter` is applied before an event waits for its reader.',
    params: noParams,
    query: tailQuery,
    answers: [streamAnswer],
    errors: ['CLV_FILTER_INVALID'],
    example: { query: { filter: '{"prefix":{"type":"dev.clover."}}' } },
  }),
  letters: operation({
    id: 'listDeadLetters',
    method: 'get',
    path: '/v1/deadletters',
    tag: 'Broker',
    summary: 'Events that could not be delivered, newest first',
    params: noParams,
    query: letters,
    answers: taggedAnswer('One page.', deadLetterPage),
    errors: [],
    example: { query: { limit: '10' } },
  }),
  letter: operation({
    id: 'readDeadLetter',
    method: 'get',
    path: '/v1/deadletters/{id}',
    tag: 'Broker',
    summary: 'One dead letter',
    params: id,
    query: noQuery,
    answers: taggedAnswer('The letter.', deadLetter),
    errors: ['CLV_NOT_FOUND'],
    example,
  }),
  drop: operation({
    id: 'dropDeadLetter',
    method: 'delete',
    path: '/v1/deadletters/{id}',
    tag: 'Broker',
    summary: 'Delete a dead letter for good',
    params: id,
    query: noQuery,
    answers: [{ status: 204, description: 'It is gone.', content: [] }],
    errors: ['CLV_NOT_FOUND'],
    example: { params: { id: '2' } },
  }),
  replay: operation({
    id: 'replayDeadLetter',
    method: 'post',
    path: '/v1/deadletters/{id}/replay',
    tag: 'Broker',
    summary: 'Give a dead letter to its own trigger again',
    description:
      'As the event was before it failed; then it is no dead letter any more. In one process it waits for its trigger, with all attempts. On Knative the function of the trigger gets it once, at once; where it refuses, the event stays a dead letter.',
    params: id,
    query: noQuery,
    answers: [
      {
        status: 204,
        description: 'It waits for its trigger, or its function has taken it.',
        content: [],
      },
    ],
    errors: ['CLV_CONFLICT', 'CLV_EMIT_REFUSED', 'CLV_NOT_FOUND'],
    example,
  }),
} as const;

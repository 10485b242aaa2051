import { z } from 'zod';
import { eventsApiVersion } from '../../../knative/kubernetes-event.ts';
import { apiVersion } from '../../../knative/resources/meta.ts';
import { durationMs } from '../../lib/duration.ts';
import { operation } from '../operation.ts';
import { serverVersion } from '../schemas/version.ts';
import { recordList, recordWatchEvent } from '../schemas/records.ts';
import { lookRows, redRows, status, storedArmRows, totalRows } from '../schemas/questions.ts';
import {
  checkWatch,
  instant,
  largestPage,
  nameInPath,
  nextPage,
  noParams,
  noQuery,
  streamAnswer,
  taggedAnswer,
  watchAnswers,
  watchHeaders,
  watchParameters,
  wholeNumber,
} from './parameters.ts';

const windowQuery = z.strictObject({
  from: instant
    .optional()
    .meta({ description: 'Start, included. Default: five minutes before `to`.' }),
  to: instant.optional().meta({ description: 'End, not included. Default: now.' }),
  last: z
    .string()
    .regex(/^[1-9]\d{0,9}(?:ms|s|m|h)$/, 'must be a duration such as 30s or 5m')
    .transform(durationMs)
    .pipe(z.int().max(8_784 * 3_600_000))
    .optional()
    .meta({
      type: 'string',
      description:
        'In place of `from`: how long before `to`, such as `30s`; a year at most. Needs no clock of the caller.',
    }),
});

const redQuery = windowQuery.extend({
  by: z.enum(['version', 'service']).default('version').meta({
    description: 'Rows per version, or per service with all its versions. Default: `version`.',
  }),
});

const recordQuery = z
  .strictObject({
    type: z
      .enum(['Normal', 'Warning'])
      .optional()
      .meta({ description: 'Only records of this type.' }),
    reason: z
      .string()
      .max(128)
      .optional()
      .meta({ description: 'Only records with exactly this reason, such as `Started`.' }),
    fieldSelector: z.string().max(4096).optional().meta({
      description: '`regarding.kind=…`, `regarding.name=…`, `regarding.uid=…`, with commas.',
    }),
    limit: wholeNumber(1, largestPage)
      .optional()
      .meta({ description: 'Records of the page. Default: 500.' }),
    continue: nextPage,
    ...watchParameters,
  })
  .superRefine(checkWatch);

const question = {
  method: 'get',
  tag: 'Questions',
  params: noParams,
  query: windowQuery,
  example: { query: { from: '2026-01-31T12:00:00Z', to: '2026-01-31T12:05:00Z' } },
} as const;

const records = {
  method: 'get',
  tag: 'Records',
  description:
    'A watch goes as that of a kind: lines of JSON or server-sent events, which go on after `resourceVersion` or `Last-Event-ID`. A record that is seen again comes as MODIFIED, with the count of its series; several times in short order may come as one. That a record has grown too old is not told; who has missed one in the meantime is answered 410.',
  needs: { apiVersion: eventsApiVersion, resource: 'events', verbs: ['list'] },
  query: recordQuery,
  headers: watchHeaders,
  answers: watchAnswers(recordList, recordWatchEvent),
  errors: ['CLV_RESOURCE_GONE'],
} as const;

/** What a query for records says. */
export type RecordsQuery = z.output<typeof recordQuery>;

/** Questions to analytics, evidence, and the host. */
export const questions = {
  red: operation({
    ...question,
    id: 'red',
    path: '/v1/questions/red',
    query: redQuery,
    summary: 'Requests, errors and latency per service and version',
    answers: taggedAnswer('The rows.', redRows),
    errors: ['CLV_ANALYTICS_UNAVAILABLE'],
  }),
  storedArms: operation({
    ...question,
    id: 'storedArms',
    path: '/v1/stored-arms',
    summary: 'Stored spans per stamp',
    answers: taggedAnswer('The rows.', storedArmRows),
    errors: ['CLV_ANALYTICS_UNAVAILABLE'],
  }),
  totals: operation({
    ...question,
    id: 'evidenceTotals',
    path: '/v1/evidence/totals',
    summary: 'Evidence per second of start and stamp',
    answers: taggedAnswer('The rows.', totalRows),
    errors: [],
  }),
  looks: operation({
    id: 'looks',
    method: 'get',
    path: '/v1/runs/{namespace}/{run}/looks',
    needs: { apiVersion, resource: 'experimentruns', verbs: ['get'], name: 'run' },
    tag: 'Questions',
    summary: 'The chain of looks of a run, oldest first',
    params: z.object({ namespace: nameInPath, run: nameInPath }),
    query: noQuery,
    answers: taggedAnswer('The rows.', lookRows),
    errors: ['CLV_NOT_FOUND'],
    example: { params: { namespace: 'shop', run: 'example' } },
  }),
  version: operation({
    ...question,
    id: 'version',
    path: '/v1/version',
    // Every user of a cluster may have its own; nothing more is told here.
    needs: { path: '/version' },
    summary: 'The versions of the server',
    query: noQuery,
    answers: taggedAnswer('The rows.', serverVersion),
    errors: [],
    example: {},
  }),
  status: operation({
    ...question,
    id: 'status',
    path: '/v1/status',
    summary: 'Counters of every part',
    query: noQuery,
    answers: taggedAnswer('The rows.', status),
    errors: [],
    example: {},
  }),
  live: operation({
    id: 'live',
    method: 'get',
    path: '/v1/live',
    tag: 'Questions',
    summary: 'Everything that moves, once a second',
    description:
      'Server-sent events; the data of each is a whole `LiveView`, so that a reader that comes back, or was too slow for one, needs nothing of what it missed. With `Last-Event-ID` a view that is known is not sent again.',
    params: noParams,
    query: noQuery,
    headers: [{ name: 'last-event-id', description: 'The last view that is known.' }],
    answers: [streamAnswer],
    errors: [],
    example: {},
  }),
  allRecords: operation({
    ...records,
    id: 'listEventForAllNamespaces',
    path: '/apis/events.k8s.io/v1/events',
    summary: 'List, newest first, or watch records of what happened to objects',
    params: noParams,
    example: { query: { limit: '10' } },
  }),
  records: operation({
    ...records,
    id: 'listEvent',
    path: '/apis/events.k8s.io/v1/namespaces/{namespace}/events',
    summary: 'List, newest first, or watch records of what happened to objects of a namespace',
    params: z.object({ namespace: nameInPath }),
    example: { params: { namespace: 'shop' } },
  }),
} as const;

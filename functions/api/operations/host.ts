import { z } from 'zod';
import { operation, type Operation } from '../operation.ts';
import { eventDocument } from '../schemas/broker.ts';
import { nameInPath, noParams, noQuery } from './parameters.ts';

const event = { specversion: '1.0', id: '1', source: '/docs', type: 'com.example.hello', data: {} };
const eventHeaders = { 'content-type': 'application/cloudevents+json' };

const body = (bytes: number) => ({
  schema: eventDocument,
  bytes,
  mediaTypes: ['application/cloudevents+json', 'application/cloudevents-batch+json', '*/*'],
  required: true,
});

const eventErrors = [
  'CLV_BODY_TOO_LARGE',
  'CLV_EVENT_INVALID',
  'CLV_METHOD_NOT_ALLOWED',
  'CLV_UNSUPPORTED_MEDIA_TYPE',
] as const;

const dependency = z.object({ answers: z.boolean(), why: z.string().optional() });

const health = (name: 'live' | 'ready', summary: string): Operation =>
  operation({
    id: name === 'live' ? 'healthLive' : 'healthReady',
    method: 'get',
    path: `/health/${name}`,
    tag: 'Host',
    needs: 'nothing',
    summary,
    params: noParams,
    query: noQuery,
    answers: [
      {
        status: 200,
        description: 'It is so.',
        content: [{ mediaType: 'application/json', schema: z.object({ status: z.literal(name) }) }],
      },
    ],
    errors: [],
    open: true,
    example: {},
  });

/** What the host itself serves, beside the API: it is documented with it. */
export const hostOperations: readonly Operation[] = [
  operation({
    id: 'publishEvent',
    method: 'post',
    path: '/broker',
    tag: 'Host',
    needs: 'nothing',
    summary: 'Give a CloudEvent to the broker',
    description:
      'In binary mode (any content type, attributes in `ce-*` headers), in structured mode (`application/cloudevents+json`) or as a batch (`application/cloudevents-batch+json`). A batch is answered with `results`, one per event in order, each with the status that the event alone would have got: 200 if every event is done, else 503 if an event may do better next time, else 400.',
    params: noParams,
    query: noQuery,
    body: body(256 * 1024),
    answers: [{ status: 202, description: 'It is committed.', content: [] }],
    errors: eventErrors,
    example: { headers: eventHeaders, body: event },
  }),
  operation({
    id: 'invokeFunction',
    method: 'post',
    path: '/functions/{name}',
    tag: 'Host',
    needs: 'nothing',
    summary: 'Give a CloudEvent straight to a function',
    description:
      'The content modes are those of the broker. The answer comes when the work is done.',
    params: z.object({ name: nameInPath }),
    query: noQuery,
    body: body(64 * 1024 * 1024),
    answers: [
      {
        status: 200,
        description: 'It is done; the reply, an event in binary mode.',
        content: [{ mediaType: '*/*', schema: z.unknown() }],
      },
      { status: 204, description: 'It is done, without a reply.', content: [] },
    ],
    errors: [...eventErrors, 'CLV_DEADLINE_EXCEEDED', 'CLV_EVENT_DATA_INVALID', 'CLV_NOT_FOUND'],
    example: { params: { name: 'ingest' }, headers: eventHeaders, body: event },
  }),
  operation({
    id: 'metrics',
    method: 'get',
    path: '/metrics',
    tag: 'Host',
    needs: 'nothing',
    summary: "Clover's own metrics, where they are switched on",
    params: noParams,
    query: noQuery,
    answers: [
      {
        status: 200,
        description: "Prometheus' text format.",
        content: [{ mediaType: 'text/plain', schema: z.string() }],
      },
    ],
    errors: ['CLV_NOT_FOUND'],
    example: {},
  }),
  operation({
    id: 'dependencies',
    method: 'get',
    path: '/health/dependencies',
    tag: 'Host',
    needs: 'nothing',
    summary: 'Whether what functions work with answers',
    description: 'Such as ClickHouse. Functions start without, and are ready.',
    params: noParams,
    query: noQuery,
    answers: [
      {
        status: 200,
        description: 'By name, whether it answers, and why it does not.',
        content: [{ mediaType: 'application/json', schema: z.record(z.string(), dependency) }],
      },
    ],
    errors: [],
    example: {},
  }),
  health('live', 'Whether the process runs'),
  health('ready', 'Whether the process takes requests; 503 while it drains'),
];

import { z } from 'zod';

const stampCount = z.strictObject({
  /** Value of the x-clover-arm header of the response; empty where there was none. */
  stamp: z.string(),
  /** Responses by HTTP status. */
  status: z.record(z.string(), z.int().min(1)),
  responses: z.int().min(1),
  /** Of them, those whose body broke off. */
  broken: z.int().min(0),
  /** Unix ms at which the head of the first and the last response came. */
  firstAt: z.number(),
  lastAt: z.number(),
  /** Unix ms at which the request of the last started response was sent. */
  lastSentAt: z.number(),
  /** Milliseconds from the planned start to the end of the response. */
  latency: z.strictObject({ p50: z.number(), p95: z.number(), p99: z.number(), max: z.number() }),
});

/** Schema of one line of the load generator. */
export const loadReport = z.strictObject({
  final: z.boolean(),
  /** Unix ms. */
  at: z.number(),
  sent: z.int().min(0),
  open: z.int().min(0),
  /** Requests that ended without a response, by error code. */
  unattributed: z.int().min(0),
  errors: z.record(z.string(), z.int().min(1)),
  stamps: z.array(stampCount),
});

/** What the load generator got back. Always: sent = Σ responses + unattributed + open. */
export type LoadReport = z.output<typeof loadReport>;

/** Schema of the plan of a load. */
export const loadPlan = z.strictObject({
  host: z.string(),
  port: z.int().min(1).max(65_535),
  /** `{n}` in it stands for the number of the request, from 0. */
  path: z.string().default('/'),
  /** Requests per second, started on time whether or not others are open. */
  rate: z.number().min(1).max(5_000).default(200),
  /** It stops by itself after this many. */
  maxRequests: z.int().min(1).max(10_000_000).default(200_000),
  /** It stops by itself after this long, in milliseconds. */
  maxDurationMs: z.int().min(1).max(3_600_000).default(600_000),
  /** A request without a response for this long ends as an error. */
  timeoutMs: z.int().min(1).default(30_000),
});

/** What to send: to whom, how fast, how long. */
export type LoadPlan = z.input<typeof loadPlan>;

import { z } from 'zod';
import { objectReference } from './kubernetes-event.ts';

/** Types of every CloudEvent that Clover sends or takes, by short name. */
export const eventTypes = {
  /** Agent → ingest, direct: one zstd-compressed OTLP `TracesData` protobuf. */
  spans: 'dev.clover.telemetry.spans.v1',
  /** Agent → broker → evaluate: cumulative evidence cells. */
  evidence: 'dev.clover.evidence.reported.v1',
  /** Resource store → broker → policy, evaluate. */
  resourceAdded: 'dev.knative.apiserver.resource.add',
  resourceUpdated: 'dev.knative.apiserver.resource.update',
  resourceDeleted: 'dev.knative.apiserver.resource.delete',
  /** notify → broker → webhooks. */
  notification: 'dev.clover.notification.raised.v1',
  /** Scheduler → function. */
  tick: 'dev.knative.sources.ping',
} as const;

/** Ratio between the bounds of neighbouring latency buckets, the same in every part of Clover: 2^(1/16). */
export const bucketRatio = 2 ** (1 / 16);

/**
 * One evidence cell: the requests of one arm that started in one second at one splitting point.
 * Values are cumulative; the newest sequence per (source, boot, key) wins.
 * Key: (splitter, run, epoch, arm, block).
 */
export const evidenceCell = z.object({
  /** The pod whose server side took the requests: `namespace/name`. */
  splitter: z.string().min(1),
  /** Parts of the stamp `<run>.<epoch>.<arm>`; run `-` is standing policy traffic; all empty or 0 when no stamp is known. */
  run: z.string(),
  epoch: z.int().min(0),
  arm: z.string(),
  /** Unix second in which the requests started. */
  block: z.int().min(0),
  /** Grows with each change of the cell within one boot. */
  sequence: z.int().min(0),
  started: z.int().min(0),
  done: z.int().min(0),
  errors: z.int().min(0),
  /** Open for longer than the report's `openTimeoutMs`; a part of started − done. */
  stuck: z.int().min(0),
  /** Σ and Σ² over done requests of ln(time to first byte in seconds). */
  sumLog: z.number(),
  sumLogSq: z.number().min(0),
  /** [bucket, count]: bucket = floor(log2(nanoseconds to first byte) · 16). */
  histogram: z.array(z.tuple([z.int().min(0), z.int().min(1)])),
});

/** One evidence cell. */
export type EvidenceCell = z.output<typeof evidenceCell>;

/** A Tap as an agent has it: one that selects pods of its node. */
export const tapReport = z.object({
  namespace: z.string(),
  name: z.string(),
  /** Pods of the node that it selects. */
  selected: z.int().min(1),
  /** Those of them that are traced. */
  traced: z.int().min(0),
});

/** What an agent says of a Tap. */
export type TapReport = z.output<typeof tapReport>;

/** Most Taps of which one report tells. */
export const mostTapReports = 256;

/**
 * Schema of the data of {@link eventTypes.evidence}. A field that it does not know is of a newer agent, and overlooked: during an
 * upgrade both versions report. What cannot be overlooked is another type, which an older function refuses.
 */
export const evidenceReport = z.object({
  /** Dense from 1 within a boot. */
  sequence: z.int().min(1),
  /** Unix ms: every request that started before this is done, or stuck and counted so. */
  watermarkMs: z.number().min(0),
  openTimeoutMs: z.int().min(1),
  /** What the agent lost in this boot, by `group.cause`; cumulative. Absent: nothing, or it does not say. */
  loss: z
    .record(z.string().min(1).max(64), z.int().min(0))
    .refine((loss) => Object.keys(loss).length <= 64, 'must have at most 64 causes')
    .optional(),
  /**
   * Nothing is open, and there is no report until something changes or {@link restRenewedMs} have passed: what this agent does not
   * say has not happened. Absent: the next report comes within a second or two.
   */
  resting: z.boolean().optional(),
  /** Taps that select pods of the node. Absent: none, or it does not say. */
  taps: z.array(tapReport).max(mostTapReports).optional(),
  cells: z.array(evidenceCell).max(20_000),
});

/** A resting agent says so again whenever the clock passes a multiple of this, ms. */
export const restRenewedMs = 300_000;

/** A rest that was not said again for so long is silence, ms. */
export const restEndsMs = 360_000;

/** What one agent reports about requests at splitting points. */
export type EvidenceReport = z.output<typeof evidenceReport>;

const flatReference = z.strictObject({
  apiVersion: z.string(),
  kind: z.string(),
  namespace: z.string(),
  name: z.string(),
  uid: z.string(),
  resourceVersion: z.string(),
});

/** An object as Knative's ApiServerSource sends it in mode Resource, deletions too. */
const wholeObject = z.looseObject({ metadata: z.looseObject({}) });

/**
 * Schema of the data of the resource events: a reference; the reader fetches the object itself. Of a whole object the
 * reference is taken.
 */
export const resourceReference = z.preprocess((data) => {
  const object = wholeObject.safeParse(data).data;
  if (object === undefined) return data;
  const { apiVersion, kind, metadata } = object;
  const { namespace, name, uid, resourceVersion } = metadata;
  return { apiVersion, kind, namespace, name, uid, resourceVersion };
}, flatReference);

/** Names a changed object. */
export type ResourceReference = z.output<typeof resourceReference>;

/** Schema of the data of a tick. */
export const tick = z.strictObject({
  /** Name of the schedule in the catalogue. */
  schedule: z.string(),
  /** When the period began by the schedule, Unix ms. */
  at: z.int().min(0),
  /** Periods before this one that had no tick although they wanted one; counted up to 1 000. */
  missed: z.int().min(0).default(0),
});

/** One tick of a schedule. */
export type Tick = z.output<typeof tick>;

/** What people are told about: why, in one word. */
export const notificationReasons = [
  'Cancelled',
  'DrillCaught',
  'DrillMissed',
  'ExperimentStarted',
  'GatewayUnreachable',
  'PolicyAccepted',
  'PolicyConflict',
  'PolicyProgrammed',
  'PolicyRejected',
  'RefsResolved',
  'RolledBack',
  'Succeeded',
  'TargetNotFound',
  'VerdictFail',
  'VerdictInconclusive',
  'VerdictInvalid',
  'VerdictPass',
  'VersionNotFound',
] as const;

/** Why people are told. */
export type NotificationReason = (typeof notificationReasons)[number];

/** Schema of the data of {@link eventTypes.notification}. Its reason is the extension `reason` of the event too. */
export const notification = z.strictObject({
  reason: z.enum(notificationReasons),
  type: z.enum(['Normal', 'Warning']),
  /** What was done, in one word. */
  action: z.string(),
  /** For people. */
  note: z.string(),
  /** When it came to be so, RFC 3339. */
  at: z.string(),
  regarding: objectReference,
  related: objectReference.optional(),
});

/** Something that people want to know. */
export type Notification = z.output<typeof notification>;

/** Agent → broker → evaluate. */
export const evidenceReported = { type: eventTypes.evidence, schema: evidenceReport };

/** Scheduler → function. */
export const ticked = { type: eventTypes.tick, schema: tick };

/** Resource store → broker → policy, evaluate, notify: one type per verb. */
export const resourceChanges = {
  added: { type: eventTypes.resourceAdded, schema: resourceReference },
  updated: { type: eventTypes.resourceUpdated, schema: resourceReference },
  deleted: { type: eventTypes.resourceDeleted, schema: resourceReference },
};

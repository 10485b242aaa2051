import type { MetricDefinition } from '../../lib/metrics/metric-definition.ts';
import { processMetrics } from './process-metrics.ts';

const ofNode = ['node'] as const;
const ofExperiment = ['namespace', 'experiment'] as const;

/**
 * Every metric of Clover, by its OpenTelemetry name. Adding one here is all there is to declare it: `/metrics`, OTLP and
 * docs/telemetry.md follow from this table.
 */
export const metrics = {
  'clover.agent.last_report.age': {
    kind: 'gauge',
    unit: 's',
    labels: ofNode,
    help: 'Time since the newest evidence report of an agent; absent once it was silent for an hour.',
  },
  'clover.agent.loss': {
    kind: 'counter',
    unit: '{loss}',
    labels: [...ofNode, 'cause'],
    help: 'What an agent lost since its start, by `group.cause`: segments (`wire`), `bytes`, `requests`, `spans`, `records` of access logs, and `inherited` spans of its start before; absent without a loss.',
  },
  'clover.agent.reports.missed': {
    kind: 'counter',
    unit: '{report}',
    labels: ofNode,
    help: 'Evidence reports that were waited for and given up; counts are cumulative, so the next report makes them good.',
  },
  'clover.agent.resting': {
    kind: 'gauge',
    unit: '{agent}',
    labels: ofNode,
    help: '1 while an agent has said that nothing is open, and that there is no report until something changes; it says so again every five minutes.',
  },
  'clover.broker.dead_letters': {
    kind: 'gauge',
    unit: '{event}',
    labels: [],
    help: 'Events that could not be delivered and are kept for an operator.',
  },
  'clover.broker.delivered': {
    kind: 'counter',
    unit: '{delivery}',
    labels: [],
    help: 'Deliveries that succeeded.',
  },
  'clover.broker.dropped': {
    kind: 'counter',
    unit: '{event}',
    labels: ['cause'],
    help: 'Events given up for good: `ttl` (no hops left), `evicted` (a dead letter that made room), `tick` (failed for good), `gone` (of a schedule that is no more).',
  },
  'clover.broker.enqueued': {
    kind: 'counter',
    unit: '{delivery}',
    labels: ['trigger'],
    help: 'Deliveries that came into the queue, by trigger or `schedule/<name>`.',
  },
  'clover.broker.oldest.age': {
    kind: 'gauge',
    unit: 's',
    labels: [],
    help: 'Age of the delivery that has waited longest, tried or not; 0 when the queue is empty.',
  },
  'clover.broker.queue.depth': {
    kind: 'gauge',
    unit: '{delivery}',
    labels: ['trigger'],
    help: 'Deliveries that wait or are in flight, by trigger or `schedule/<name>`; those without any are absent.',
  },
  'clover.broker.refused': {
    kind: 'counter',
    unit: '{event}',
    labels: ['cause'],
    help: 'Events that were not taken: `full` (the queue), `share` (the part of it that one trigger may have), `disk` (it is full, or fails), `body` (too large), `overload` (too many requests or bodies in hand), `invalid`.',
  },
  'clover.broker.replies': {
    kind: 'counter',
    unit: '{event}',
    labels: [],
    help: 'Replies of functions that were taken as events.',
  },
  'clover.broker.retries': {
    kind: 'counter',
    unit: '{delivery}',
    labels: [],
    help: 'Deliveries that were put back to be tried again.',
  },
  'clover.broker.settled': {
    kind: 'counter',
    unit: '{delivery}',
    labels: ['trigger'],
    help: 'Deliveries that left the queue, however they ended, by trigger or `schedule/<name>`.',
  },
  'clover.build_info': {
    kind: 'gauge',
    unit: '',
    labels: ['version', 'node_version'],
    help: 'Always 1; its labels say what runs.',
  },
  'clover.dead_letters.received': {
    kind: 'counter',
    unit: '{event}',
    labels: ['trigger', 'reason'],
    help: "Dead letters of Knative's broker that `ingest` kept, by trigger (or the broker's name; `other` for what is neither) and the last answer of the function: its HTTP status, or `none`. One that is sent again counts again.",
  },
  'clover.dead_letters.refused': {
    kind: 'counter',
    unit: '{event}',
    labels: ['trigger', 'cause'],
    help: "Dead letters of Knative's broker that `ingest` refused for good, so that they are lost, by trigger as those that were kept: `body` (larger than 2 MiB), `invalid` (no CloudEvent). Its log names each.",
  },
  'clover.evidence.reports': {
    kind: 'counter',
    unit: '{report}',
    labels: [],
    help: 'Evidence reports of agents that were merged.',
  },
  'clover.evidence.watermark.lag': {
    kind: 'gauge',
    unit: 's',
    labels: ofNode,
    help: 'Age of the oldest second whose requests an agent has not all counted; judging waits for the slowest agent. Absent while it rests.',
  },
  'clover.experiment.deadline.remaining': {
    kind: 'gauge',
    unit: 's',
    labels: ofExperiment,
    help: 'Time that a run without a verdict has left; negative when it is overdue.',
  },
  'clover.experiment.evidence.age': {
    kind: 'gauge',
    unit: 's',
    labels: ofExperiment,
    help: 'Time since the newest second that was judged of a run that is not over; before the first, since the end of its warm-up.',
  },
  'clover.experiment.verdict.age': {
    kind: 'gauge',
    unit: 's',
    labels: [...ofExperiment, 'verdict'],
    help: "Time since the verdict of the experiment's newest run.",
  },
  'clover.experiments': {
    kind: 'gauge',
    unit: '{experiment}',
    labels: ['phase'],
    help: 'Experiments by phase.',
  },
  'clover.function.rejected': {
    kind: 'counter',
    unit: '{event}',
    labels: ['faas.name', 'error.type'],
    help: 'Direct events that were turned away before the handler of the function, by the error code: `CLV_TOO_MANY_REQUESTS` and `CLV_OVERLOADED` are for want of room.',
  },
  'clover.host.bodies.slow': {
    kind: 'counter',
    unit: '{request}',
    labels: [],
    help: 'Requests that were cut because their body came in too slowly.',
  },
  'clover.host.connections.refused': {
    kind: 'counter',
    unit: '{connection}',
    labels: [],
    help: 'Connections that were closed at once because there were too many.',
  },
  'clover.host.senders.refused': {
    kind: 'counter',
    unit: '{request}',
    labels: ['cause'],
    help: 'Requests of senders that a function on Knative did not let in: `token` (none, expired, or for another audience: 401), `account` (it may not send this: 403), `unknown` (the API server did not say: 502, 503).',
  },
  'clover.ingest.batches': {
    kind: 'counter',
    unit: '{batch}',
    labels: [],
    help: 'Batches of spans that were stored.',
  },
  'clover.ingest.inserts': {
    kind: 'counter',
    unit: '{insert}',
    labels: ['outcome'],
    help: 'Inserts into ClickHouse: `stored` or `failed`.',
  },
  'clover.ingest.last_stored.age': {
    kind: 'gauge',
    unit: 's',
    labels: [],
    help: 'Time since spans were stored; absent before the first.',
  },
  'clover.ingest.queued': {
    kind: 'gauge',
    unit: 'By',
    labels: [],
    help: 'Bytes of spans that wait for ClickHouse in memory.',
  },
  'clover.ingest.refused': {
    kind: 'counter',
    unit: '{batch}',
    labels: ['reason'],
    help: 'Batches of spans that were not stored: `malformed`, `overloaded`, `unavailable` (ClickHouse).',
  },
  'clover.ingest.spans': {
    kind: 'counter',
    unit: '{span}',
    labels: [],
    help: 'Spans that were stored.',
  },
  'clover.ingress.envoy.up': {
    kind: 'gauge',
    unit: '{envoy}',
    labels: [],
    help: 'Whether the Envoy beside the network layer takes requests: 1 or 0.',
  },
  'clover.ingress.objects': {
    kind: 'gauge',
    unit: '{object}',
    labels: ['state'],
    help: 'Ingresses of the network layer: `ready` (every Envoy has them), `pending`, or `refused` (nothing of them is rendered).',
  },
  'clover.ingress.statuses': {
    kind: 'counter',
    unit: '{write}',
    labels: ['outcome'],
    help: 'Statuses of Ingresses: `written`, `outdated` (the object has changed meanwhile) or `failed`.',
  },
  'clover.ingress.writes': {
    kind: 'counter',
    unit: '{configuration}',
    labels: ['state'],
    help: 'Configurations that Envoy was given, by what it said: `acknowledged`, `refused`, or `unknown` (no answer in time).',
  },
  'clover.judge.looks': {
    kind: 'counter',
    unit: '{look}',
    labels: [],
    help: 'Looks at newly sealed evidence.',
  },
  'clover.judge.verdicts': {
    kind: 'counter',
    unit: '{verdict}',
    labels: [],
    help: 'Looks that ended in a verdict.',
  },
  'clover.notify.deliveries': {
    kind: 'counter',
    unit: '{delivery}',
    labels: ['faas.name', 'outcome'],
    help: 'Attempts to tell a webhook: `sent` or `failed`.',
  },
  'clover.notify.raised': {
    kind: 'counter',
    unit: '{notification}',
    labels: [],
    help: 'Notifications that were raised.',
  },
  'clover.telemetry.read_failures': {
    kind: 'counter',
    unit: '{read}',
    labels: ['metric'],
    help: 'Times that a metric could not be read; its series are missing from that scrape.',
  },
  ...processMetrics,
} as const satisfies Readonly<Record<string, MetricDefinition>>;

/** Name of a metric of Clover. */
export type MetricName = keyof typeof metrics;

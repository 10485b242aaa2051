/** What a metric is, whoever reads it. */
export interface MetricDefinition {
  readonly kind: 'counter' | 'gauge' | 'histogram';
  /** UCUM, as OpenTelemetry wants it: `s`, `By`, `1`; counted things in braces. */
  readonly unit: string;
  /** Names of the attributes that it may have; others are not kept, so the number of series has a bound. */
  readonly labels: readonly string[];
  /** One sentence. */
  readonly help: string;
  /** Upper bounds of a histogram's buckets. */
  readonly buckets?: readonly number[];
  /** Where Prometheus' own programs agreed on another name than the rule gives. */
  readonly prometheus?: string;
}

/** The buckets that the semantic conventions advise for requests, seconds. */
const requestBuckets = [
  0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10,
] as const;
const startBuckets = [0.1, 0.2, 0.3, 0.5, 0.75, 1, 1.5, 2.5, 5, 10, 30] as const;
const ofExperiment = ['namespace', 'experiment'] as const;

/**
 * Every metric of Clover, by its OpenTelemetry name. Adding one here is all there is to declare it: `/metrics`, OTLP and
 * docs/telemetry.md follow from this table.
 */
export const metrics = {
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
  'clover.broker.queue.depth': {
    kind: 'gauge',
    unit: '{delivery}',
    labels: ['trigger'],
    help: 'Deliveries that wait or are in flight, by trigger or `schedule/<name>`; those without any are absent.',
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
  'clover.build_info': {
    kind: 'gauge',
    unit: '',
    labels: ['version', 'node_version'],
    help: 'Always 1; its labels say what runs.',
  },
  'clover.evidence.reports': {
    kind: 'counter',
    unit: '{report}',
    labels: [],
    help: 'Evidence reports of agents that were merged.',
  },
  'clover.experiment.deadline.remaining': {
    kind: 'gauge',
    unit: 's',
    labels: ofExperiment,
    help: 'Time that a run without a verdict has left; negative when it is overdue.',
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
    labels: ['faas.name'],
    help: 'Direct events that were turned away before the handler of the function.',
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
  'clover.telemetry.read_failures': {
    kind: 'counter',
    unit: '{read}',
    labels: ['metric'],
    help: 'Times that a metric could not be read; its series are missing from that scrape.',
  },
  'faas.coldstarts': {
    kind: 'counter',
    unit: '{coldstart}',
    labels: [],
    help: 'Starts of the process that came to be ready.',
  },
  'faas.errors': {
    kind: 'counter',
    unit: '{error}',
    labels: ['faas.name', 'faas.trigger', 'error.type'],
    help: 'Invocations that failed, by the error code.',
  },
  'faas.init_duration': {
    kind: 'histogram',
    unit: 's',
    labels: [],
    buckets: startBuckets,
    help: 'From the start of the process to ready.',
  },
  'faas.invocations': {
    kind: 'counter',
    unit: '{invocation}',
    labels: ['faas.name', 'faas.trigger'],
    help: 'Invocations that succeeded; trigger `http` (direct), `pubsub` (broker) or `timer` (schedule).',
  },
  'faas.invoke_duration': {
    kind: 'histogram',
    unit: 's',
    labels: ['faas.name', 'faas.trigger'],
    buckets: requestBuckets,
    help: 'Time that the handler took.',
  },
  'http.server.request.duration': {
    kind: 'histogram',
    unit: 's',
    labels: ['http.request.method', 'http.route', 'http.response.status_code'],
    buckets: requestBuckets,
    help: 'Time from the head of the request to the end of the response; streams and health are left out.',
  },
  'nodejs.eventloop.time': {
    kind: 'counter',
    unit: 's',
    labels: ['nodejs.eventloop.state'],
    help: 'Time of the main thread: `active` or `idle`.',
  },
  'process.cpu.time': {
    kind: 'counter',
    unit: 's',
    labels: ['cpu.mode'],
    help: 'CPU time of the process with all of its threads.',
    prometheus: 'process_cpu_seconds_total',
  },
  'process.memory.usage': {
    kind: 'gauge',
    unit: 'By',
    labels: [],
    help: 'Resident memory.',
    prometheus: 'process_resident_memory_bytes',
  },
  'process.start_time': {
    kind: 'gauge',
    unit: 's',
    labels: [],
    help: 'When the process started, Unix time.',
    prometheus: 'process_start_time_seconds',
  },
  'process.unix.file_descriptor.count': {
    kind: 'gauge',
    unit: '{file_descriptor}',
    labels: [],
    help: 'Open file descriptors.',
    prometheus: 'process_open_fds',
  },
  'v8js.memory.heap.used': {
    kind: 'gauge',
    unit: 'By',
    labels: [],
    help: "Used heap of the main thread's JavaScript.",
    prometheus: 'nodejs_heap_size_used_bytes',
  },
} as const satisfies Readonly<Record<string, MetricDefinition>>;

/** Name of a metric of Clover. */
export type MetricName = keyof typeof metrics;

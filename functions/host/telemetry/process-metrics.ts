import type { MetricDefinition } from '../../lib/metrics/metric-definition.ts';

/** The buckets that the semantic conventions advise for requests, seconds. */
const requestBuckets = [
  0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10,
] as const;
const startBuckets = [0.1, 0.2, 0.3, 0.5, 0.75, 1, 1.5, 2.5, 5, 10, 30] as const;

/** Metrics that are not Clover's alone, by their name in the semantic conventions of OpenTelemetry. */
export const processMetrics = {
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
    labels: [
      'http.request.method',
      'http.route',
      'http.response.status_code',
      'url.scheme',
      'error.type',
    ],
    buckets: requestBuckets,
    help: 'Time from the head of the request to the end of the response; streams and health are left out. `error_type` is a status from 500 on, or `aborted`: the caller did not wait.',
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

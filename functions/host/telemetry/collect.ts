import type { Experiment } from '../../../knative/resources/experiment.ts';
import type { ExperimentRun } from '../../../knative/resources/experiment-run.ts';
import { durationMs } from '../../lib/duration.ts';
import { toUnixMs } from '../../lib/rfc3339.ts';
import type { BrokerCounters, Flow } from '../broker/messages.ts';
import type { Observation, Telemetry, TelemetryAttributes } from '../telemetry.ts';
import type { MetricName } from './metrics.ts';
import { metricNames } from './registry.ts';

/** Where the values come from that are read when someone looks. */
export interface ControlPlaneSources {
  readonly broker: () => Promise<BrokerCounters>;
  /** Counters of every function, by its name. */
  readonly functions: () => Promise<Counters>;
  readonly experiments: () => Promise<readonly Experiment[]>;
  readonly runs: () => Promise<readonly ExperimentRun[]>;
  /** Unix ms. */
  readonly now: () => number;
}

type Counters = Readonly<Record<string, Readonly<Record<string, number>>>>;
type Values = readonly Observation[];

/** Has the metrics of a control plane read from its stores and counters. */
export function observeControlPlane(telemetry: Telemetry, sources: ControlPlaneSources): void {
  const { now } = sources;
  const broker = shared(sources.broker);
  const functions = shared(sources.functions);
  const runs = shared(sources.runs);
  const ofBroker: Partial<Record<MetricName, (counters: BrokerCounters) => Values>> = {
    'clover.broker.dead_letters': ({ dead }) => one(dead),
    'clover.broker.delivered': ({ delivered }) => one(delivered),
    'clover.broker.dropped': ({ drops }) => byLabel('cause', drops),
    'clover.broker.enqueued': ({ flows }) => byTrigger(flows, ({ enqueued }) => enqueued),
    'clover.broker.oldest.age': ({ oldestMs }) => one(oldestMs / 1_000),
    'clover.broker.queue.depth': ({ depths }) => byLabel('trigger', depths),
    'clover.broker.refused': ({ refusals }) => byLabel('cause', refusals),
    'clover.broker.replies': ({ replied }) => one(replied),
    'clover.broker.retries': ({ retried }) => one(retried),
    'clover.broker.settled': ({ flows }) => byTrigger(flows, ({ settled }) => settled),
  };
  const ofFunctions: Partial<Record<MetricName, (counters: Counters) => Values>> = {
    'clover.evidence.reports': ({ evaluate }) => one(evaluate?.['reports']),
    'clover.ingest.batches': ({ ingest }) => one(ingest?.['batches']),
    'clover.ingest.inserts': ({ ingest }) => [
      ...one(ingest?.['inserts'], { outcome: 'stored' }),
      ...one(ingest?.['failedInserts'], { outcome: 'failed' }),
    ],
    'clover.ingest.last_stored.age': ({ ingest }) =>
      one(ingest?.['storedSecondsAgo']).filter(({ value }) => value >= 0),
    'clover.ingest.queued': ({ ingest }) => one(ingest?.['queued']),
    'clover.ingest.refused': ({ ingest = {} }) => {
      const { malformed = 0, overloaded = 0, unavailable = 0 } = ingest;
      return byLabel('reason', { malformed, overloaded, unavailable });
    },
    'clover.ingest.spans': ({ ingest }) => one(ingest?.['spans']),
    'clover.judge.looks': ({ evaluate }) => one(evaluate?.['looks']),
    'clover.judge.verdicts': ({ evaluate }) => one(evaluate?.['verdicts']),
    'clover.notify.deliveries': (all) =>
      Object.entries(all)
        .filter(([name]) => name.startsWith('webhook-'))
        .flatMap(([name, { sent = 0, failed = 0 }]) => [
          { value: sent, attributes: { 'faas.name': name, outcome: 'sent' } },
          { value: failed, attributes: { 'faas.name': name, outcome: 'failed' } },
        ]),
    'clover.notify.raised': ({ notify }) => one(notify?.['raised']),
  };
  observeEach(telemetry, ofBroker, broker);
  observeEach(telemetry, ofFunctions, functions);
  telemetry.observe('clover.experiments', async () => byPhase(await sources.experiments()));
  telemetry.observe('clover.experiment.deadline.remaining', async () =>
    deadlines(await runs(), now()),
  );
  telemetry.observe('clover.experiment.evidence.age', async () =>
    evidenceAges(await runs(), now()),
  );
  telemetry.observe('clover.experiment.verdict.age', async () => verdicts(await runs(), now()));
}

/** Has the metrics read that every process of Node has. */
export function observeProcess(telemetry: Telemetry, version: string): void {
  const startedAt = performance.timeOrigin / 1_000;
  telemetry.observe('clover.build_info', async () =>
    one(1, { version, node_version: process.versions.node }),
  );
  telemetry.observe('process.start_time', async () => one(startedAt));
  telemetry.observe('process.memory.usage', async () => one(process.memoryUsage.rss()));
  telemetry.observe('v8js.memory.heap.used', async () => one(process.memoryUsage().heapUsed));
  telemetry.observe('process.cpu.time', async () => {
    const { user, system } = process.cpuUsage();
    return byLabel('cpu.mode', { user: user / 1e6, system: system / 1e6 });
  });
  telemetry.observe('process.unix.file_descriptor.count', async () => {
    const { readdir } = await import('node:fs/promises');
    return one((await readdir('/proc/self/fd')).length);
  });
  telemetry.observe('nodejs.eventloop.time', async () => {
    const { active, idle } = performance.eventLoopUtilization();
    return byLabel('nodejs.eventloop.state', { active: active / 1_000, idle: idle / 1_000 });
  });
}

function observeEach<Source>(
  telemetry: Telemetry,
  readers: Partial<Record<MetricName, (source: Source) => Values>>,
  source: () => Promise<Source>,
): void {
  for (const [name, read] of entriesOf(readers)) {
    telemetry.observe(name, async () => read(await source()));
  }
}

function entriesOf<Source>(
  readers: Partial<Record<MetricName, (source: Source) => Values>>,
): [MetricName, (source: Source) => Values][] {
  return metricNames.flatMap((name) => {
    const read = readers[name];
    return read === undefined ? [] : [[name, read] as [MetricName, (source: Source) => Values]];
  });
}

/** Readers of the same scrape get the same answer, and ask once. */
function shared<Source>(read: () => Promise<Source>): () => Promise<Source> {
  let pending: Promise<Source> | undefined;
  return () => {
    pending ??= read().finally(() => {
      pending = undefined;
    });
    return pending;
  };
}

/** A value that is not there is no value of 0. */
function one(value: number | undefined, attributes: TelemetryAttributes = {}): Observation[] {
  return value === undefined ? [] : [{ value, attributes }];
}

function byLabel(label: string, values: Readonly<Record<string, number>>): Values {
  return Object.entries(values).map(([key, value]) => ({ value, attributes: { [label]: key } }));
}

function byTrigger(flows: BrokerCounters['flows'], read: (flow: Flow) => number): Values {
  return Object.entries(flows).map(([trigger, flow]) => ({
    value: read(flow),
    attributes: { trigger },
  }));
}

function byPhase(experiments: readonly Experiment[]): Values {
  const counts: Record<string, number> = {};
  for (const { status } of experiments) {
    const phase = status.phase ?? 'Pending';
    counts[phase] = (counts[phase] ?? 0) + 1;
  }
  return byLabel('phase', counts);
}

const ended: ReadonlySet<string | undefined> = new Set(['Failed', 'RolledBack', 'Succeeded']);

function deadlines(runs: readonly ExperimentRun[], now: number): Values {
  return runs
    .filter(({ status }) => status.verdict === undefined && !ended.has(status.phase))
    .flatMap((run) => {
      const startedAt = toUnixMs(run.status.startedAt);
      if (startedAt === undefined) return [];
      const left = startedAt + durationMs(run.spec.plan.deadline) - now;
      return one(left / 1_000, namesOf(run));
    });
}

function evidenceAges(runs: readonly ExperimentRun[], now: number): Values {
  return runs
    .filter(({ status }) => !ended.has(status.phase))
    .flatMap((run) => {
      const startedAt = toUnixMs(run.status.startedAt);
      if (startedAt === undefined) return [];
      const newest =
        toUnixMs(run.status.evidence?.window.to) ?? startedAt + durationMs(run.spec.plan.warmUp);
      return one(Math.max(0, now - newest) / 1_000, namesOf(run));
    });
}

function verdicts(runs: readonly ExperimentRun[], now: number): Values {
  const newest = new Map<string, ExperimentRun>();
  for (const run of runs) {
    const key = `${run.metadata.namespace}/${run.spec.experiment.name}`;
    const before = newest.get(key);
    if (startOf(before) <= startOf(run)) newest.set(key, run);
  }
  return [...newest.values()].flatMap((run) => {
    const { verdict } = run.status;
    const verdictAt = toUnixMs(run.status.verdictAt);
    if (verdict === undefined || verdictAt === undefined) return [];
    return one((now - verdictAt) / 1_000, { ...namesOf(run), verdict });
  });
}

/** Unix ms; 0 of a run that has not begun. */
const startOf = (run: ExperimentRun | undefined): number => toUnixMs(run?.status.startedAt) ?? 0;

function namesOf({ metadata, spec }: ExperimentRun): TelemetryAttributes {
  return { namespace: metadata.namespace, experiment: spec.experiment.name };
}

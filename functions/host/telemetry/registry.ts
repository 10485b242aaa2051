import type { Observation, TelemetryAttributes } from '../telemetry.ts';
import type { MetricDefinition } from '../../lib/metrics/metric-definition.ts';
import type { Series } from '../../lib/metrics/series.ts';
import { metrics, type MetricName } from './metrics.ts';

/** A metric with all of its series. */
export interface MetricFamily {
  readonly name: MetricName;
  readonly definition: MetricDefinition;
  readonly series: readonly Series[];
}

/** Reads the present values of a metric. */
export type ReadMetric = () => Promise<readonly Observation[]>;

/** The metrics of this process: counts and histograms since its start, and what is read when someone looks. */
export interface MetricRegistry {
  /** Adds to a counter. */
  count(name: MetricName, value: number, attributes?: TelemetryAttributes): void;
  /** Adds a value to a histogram. */
  record(name: MetricName, value: number, attributes?: TelemetryAttributes): void;
  /** Several readers of one metric add their series. */
  observe(name: MetricName, read: ReadMetric): void;
  /** Every metric that has a value, in the order of the table. A read that fails is counted, and its series are missing. */
  collect(): Promise<readonly MetricFamily[]>;
  /** Values of one counter or gauge. */
  read(name: MetricName): Promise<readonly Observation[]>;
}

/** More series of one metric than this are one, with `otel.metric.overflow`, as OpenTelemetry's SDK does. */
const seriesLimit = 2_000;
const overflow: Labels = [['otel.metric.overflow', 'true']];

type Labels = Series['labels'];

interface Cell {
  readonly labels: Labels;
  value: number;
  readonly counts: number[];
}

/** An empty registry. */
export function createMetricRegistry(): MetricRegistry {
  const cells = new Map<MetricName, Map<string, Cell>>();
  const readers = new Map<MetricName, ReadMetric[]>();

  const cellOf = (name: MetricName, attributes: TelemetryAttributes): Cell => {
    const definition: MetricDefinition = metrics[name];
    const series = cells.get(name) ?? new Map<string, Cell>();
    cells.set(name, series);
    const key = definition.labels.map((label) => attributes[label] ?? '').join('\0');
    const found =
      series.get(key) ?? (series.size >= seriesLimit ? series.get('overflow') : undefined);
    if (found !== undefined) return found;
    const full = series.size >= seriesLimit;
    const labels = full ? overflow : labelsOf(definition, attributes);
    const counts = Array.from({ length: (definition.buckets?.length ?? -1) + 1 }, () => 0);
    const cell: Cell = { labels, value: 0, counts };
    series.set(full ? 'overflow' : key, cell);
    return cell;
  };

  const count = (name: MetricName, value: number, attributes: TelemetryAttributes = {}): void => {
    cellOf(name, attributes).value += value;
  };

  const observed = async (name: MetricName): Promise<readonly Observation[]> => {
    const reads = (readers.get(name) ?? []).map((read) =>
      read().catch(() => {
        count('clover.telemetry.read_failures', 1, { metric: name });
        return [];
      }),
    );
    return (await Promise.all(reads)).flat();
  };

  /** A counter that was never counted is 0, where it has no labels to be known by. */
  const isZero = (name: MetricName): boolean => {
    const { kind, labels } = metrics[name];
    return kind === 'counter' && labels.length === 0 && !cells.has(name) && !readers.has(name);
  };

  const seriesOf = async (name: MetricName, definition: MetricDefinition): Promise<Series[]> => {
    const read = (await observed(name)).map(({ value, attributes = {} }) => ({
      labels: labelsOf(definition, attributes),
      value,
    }));
    const own = [...(cells.get(name)?.values() ?? [])].map((cell) =>
      seriesOfCell(definition, cell),
    );
    const all = [...own, ...read];
    return all.length === 0 && isZero(name) ? [{ labels: [], value: 0 }] : all;
  };

  return {
    count,
    record: (name, value, attributes = {}) => {
      const { buckets = [] }: MetricDefinition = metrics[name];
      const cell = cellOf(name, attributes);
      const above = buckets.findIndex((bound) => value <= bound);
      const index = above === -1 ? buckets.length : above;
      cell.value += value;
      cell.counts[index] = (cell.counts[index] ?? 0) + 1;
    },
    observe: (name, read) => {
      readers.set(name, [...(readers.get(name) ?? []), read]);
    },
    collect: async () => {
      const names = metricNames.filter((name) => name !== 'clover.telemetry.read_failures');
      const families = await Promise.all(
        names.map(async (name) => {
          const definition: MetricDefinition = metrics[name];
          return { name, definition, series: await seriesOf(name, definition) };
        }),
      );
      // Last, so that it has the failures of this very scrape.
      const name = 'clover.telemetry.read_failures';
      const definition: MetricDefinition = metrics[name];
      return [...families, { name, definition, series: await seriesOf(name, definition) }];
    },
    read: async (name) => {
      if (isZero(name)) return [{ value: 0 }];
      const own = [...(cells.get(name)?.values() ?? [])];
      const counted = own.map(({ labels, value }) => ({
        value,
        attributes: Object.fromEntries(labels),
      }));
      return [...counted, ...(await observed(name))];
    },
  };
}

/** Names of all metrics, in the order of the table. */
export const metricNames: readonly MetricName[] = Object.keys(metrics).filter(isMetricName);

function isMetricName(name: string): name is MetricName {
  return Object.hasOwn(metrics, name);
}

function labelsOf({ labels }: MetricDefinition, attributes: TelemetryAttributes): Labels {
  return labels.flatMap((label) => {
    const value = attributes[label];
    return value === undefined ? [] : [[label, String(value)] as const];
  });
}

function seriesOfCell({ buckets }: MetricDefinition, { labels, value, counts }: Cell): Series {
  if (buckets === undefined) return { labels, value };
  return { labels, value: 0, histogram: { bounds: buckets, counts: [...counts], sum: value } };
}

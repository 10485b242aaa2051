import type { MetricDefinition } from '../functions/lib/metrics/metric-definition.ts';
import type { TextFamily } from '../functions/lib/metrics/prometheus-text.ts';
import type { Series } from '../functions/lib/metrics/series.ts';
import type { Causes } from './loss.ts';

/** A metric of the agent, from its name without `clover_agent_`, its help, and its one value or its series. */
type MakeFamily = (name: string, help: string, value: number | readonly Series[]) => TextFamily;

/** One that only grows; its name gets `_total`. */
export const counter: MakeFamily = (name, ...rest) => family('counter', `${name}_total`, ...rest);

/** One that is as it is now. */
export const gauge: MakeFamily = (...args) => family('gauge', ...args);

/** A series for each cause, which is the value of the label. */
export const by = (label: string, causes: Causes): readonly Series[] =>
  Object.entries(causes).map(([cause, value]) => ({ labels: [[label, cause]], value }));

function family(kind: MetricDefinition['kind'], ...[name, help, value]: Parameters<MakeFamily>) {
  const prometheus = `clover_agent_${name}`;
  const series = typeof value === 'number' ? [{ labels: [], value }] : value;
  return {
    name: prometheus,
    definition: { kind, unit: '1', labels: [], help, prometheus },
    series,
  };
}

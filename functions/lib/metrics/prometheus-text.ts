import type { MetricDefinition } from './metric-definition.ts';
import type { Series } from './series.ts';

/** Media type of the text format 0.0.4, which every Prometheus reads. */
export const prometheusContentType = 'text/plain; version=0.0.4; charset=utf-8';

const unitSuffixes: Readonly<Record<string, string>> = { By: '_bytes', s: '_seconds' };
/** Prefixes that say already whose metric it is. */
const known = /^(clover|nodejs|process)_/;

/**
 * Name of a metric in Prometheus: `clover.broker.events` → `clover_broker_events_total`,
 * `http.server.request.duration` → `clover_http_server_request_duration_seconds`.
 */
export function prometheusName(name: string, { kind, unit, prometheus }: MetricDefinition): string {
  if (prometheus !== undefined) return prometheus;
  const plain = labelName(name);
  const prefixed = known.test(plain) ? plain : `clover_${plain}`;
  return `${prefixed}${unitSuffixes[unit] ?? ''}${kind === 'counter' ? '_total' : ''}`;
}

/** Name of an attribute as a label: `http.route` → `http_route`. */
export function labelName(attribute: string): string {
  return attribute.replaceAll(/[^a-zA-Z0-9_]/g, '_');
}

/** A metric with its series, of whatever table of names. */
export interface TextFamily {
  readonly name: string;
  readonly definition: MetricDefinition;
  readonly series: readonly Series[];
}

/** Writes metrics in Prometheus' text format, version 0.0.4. */
export function prometheusText(families: readonly TextFamily[]): string {
  return families.map(familyText).join('');
}

function familyText({ name, definition, series }: TextFamily): string {
  if (series.length === 0) return '';
  const title = prometheusName(name, definition);
  const head = `# HELP ${title} ${escapeHelp(definition.help)}\n# TYPE ${title} ${definition.kind}\n`;
  return head + series.map((one) => seriesText(title, one)).join('');
}

function seriesText(name: string, { labels, value, histogram }: Series): string {
  if (histogram === undefined) return `${name}${labelText(labels)} ${numberText(value)}\n`;
  const { bounds, counts, sum } = histogram;
  let count = 0;
  const buckets = [...bounds, Infinity].map((bound, index) => {
    count += counts[index] ?? 0;
    return `${name}_bucket${labelText([...labels, ['le', numberText(bound)]])} ${count}\n`;
  });
  const own = labelText(labels);
  return `${buckets.join('')}${name}_sum${own} ${numberText(sum)}\n${name}_count${own} ${count}\n`;
}

function labelText(labels: Series['labels']): string {
  if (labels.length === 0) return '';
  return `{${labels.map(([name, value]) => `${labelName(name)}="${escapeLabel(value)}"`).join(',')}}`;
}

function numberText(value: number): string {
  if (Number.isFinite(value)) return String(value);
  if (Number.isNaN(value)) return 'NaN';
  return value > 0 ? '+Inf' : '-Inf';
}

const escapeHelp = (text: string): string => text.replaceAll('\\', '\\\\').replaceAll('\n', '\\n');
const escapeLabel = (text: string): string => escapeHelp(text).replaceAll('"', '\\"');

import type { MetricDefinition } from '../functions/lib/metrics/metric-definition.ts';
import type { TextFamily } from '../functions/lib/metrics/prometheus-text.ts';
import type { Series } from '../functions/lib/metrics/series.ts';
import type { DurationSeries, RequestMetrics, ServiceSide } from '../native/capture/types.ts';

type Labels = Series['labels'];

/** The role in their labels: `server` took the requests, `client` sent them. */
const counts = {
  started: {
    name: 'clover_requests_started_total',
    kind: 'counter',
    help: 'Requests that began, before any sampling. Their durations, those that are open and those that were lost add up to it.',
  },
  open: {
    name: 'clover_requests_open',
    kind: 'gauge',
    help: 'Requests that have not ended yet.',
  },
  lost: {
    name: 'clover_requests_lost_total',
    kind: 'counter',
    help: 'Requests of which the end was not seen or not understood, by cause.',
  },
} as const;

const durationHelp =
  'Durations of all requests that ended, before any sampling, by the conventions of OpenTelemetry.';

/** Rate, errors and durations of every request for Prometheus, with OpenTelemetry's names. */
export function trafficFamilies({ boundsSeconds, sides }: RequestMetrics): TextFamily[] {
  const labelled = sides.map((side) => ({ side, own: serviceLabels(side) }));
  const durations = Object.entries(boundsSeconds).map(([metric, bounds]) => ({
    name: metric,
    definition: definitionOf(prometheusNameOf(metric), 'histogram', durationHelp),
    series: labelled.flatMap(({ side, own }) =>
      side.series
        .filter((one) => one.metric === metric)
        .map((one) => durationSeries(own, one, bounds)),
    ),
  }));
  const withRole = labelled.map(({ side, own }) => ({
    side,
    labels: [...own, ['clover.role', side.server ? 'server' : 'client']] satisfies Labels,
  }));
  return [
    ...durations,
    countOf(
      'started',
      withRole.map(({ side, labels }) => ({ labels, value: side.started })),
    ),
    countOf(
      'open',
      withRole.map(({ side, labels }) => ({ labels, value: side.open })),
    ),
    countOf(
      'lost',
      withRole.flatMap(({ side, labels }) =>
        Object.entries(side.lost).map(([cause, value]) => ({
          labels: [...labels, ['cause', cause]] satisfies Labels,
          value,
        })),
      ),
    ),
  ];
}

function countOf(which: keyof typeof counts, series: readonly Series[]): TextFamily {
  const { name, kind, help } = counts[which];
  return { name, definition: definitionOf(name, kind, help), series };
}

function durationSeries(
  own: Labels,
  { attributes, buckets, sumSeconds }: DurationSeries,
  bounds: readonly number[],
): Series {
  return {
    labels: [...own, ...Object.entries(attributes)],
    value: 0,
    histogram: { bounds, counts: buckets, sum: sumSeconds },
  };
}

/** Who it is of, by the conventions for resources; a Prometheus that scrapes the node would say the agent's own. */
function serviceLabels({ namespace, service, version }: ServiceSide): Labels {
  return [
    ['k8s.namespace.name', namespace],
    ['service.name', service],
    ...(version === '' ? [] : [['service.version', version] as const]),
  ];
}

/** As OpenTelemetry's compatibility with Prometheus has it: `http.server.request.duration` → `http_server_request_duration_seconds`. */
const prometheusNameOf = (metric: string): string => `${metric.replaceAll('.', '_')}_seconds`;

const definitionOf = (
  prometheus: string,
  kind: MetricDefinition['kind'],
  help: string,
): MetricDefinition => ({
  kind,
  unit: kind === 'histogram' ? 's' : '{request}',
  labels: [],
  help,
  prometheus,
});

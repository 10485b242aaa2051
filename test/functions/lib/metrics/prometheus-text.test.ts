import test from 'ava';
import fc from 'fast-check';
import { metrics } from '../../../../functions/host/telemetry/metrics.ts';
import {
  prometheusName,
  prometheusText,
} from '../../../../functions/lib/metrics/prometheus-text.ts';
import {
  createMetricRegistry,
  metricNames,
} from '../../../../functions/host/telemetry/registry.ts';
import { parsePrometheus } from '../../host/telemetry/parse-prometheus.ts';

test('names follow the conventions of Prometheus', (t) => {
  const names = metricNames.map((name) => prometheusName(name, metrics[name]));
  t.is(new Set(names).size, names.length);
  for (const name of names) t.regex(name, /^(?:clover|process|nodejs)_[a-z0-9_]+$/);
  t.is(
    prometheusName('http.server.request.duration', metrics['http.server.request.duration']),
    'clover_http_server_request_duration_seconds',
  );
  t.is(
    prometheusName('clover.ingest.refused', metrics['clover.ingest.refused']),
    'clover_ingest_refused_total',
  );
});

test('values of labels come through whatever is in them', async (t) => {
  await fc.assert(
    fc.asyncProperty(fc.uniqueArray(fc.string({ unit: 'binary' })), async (triggers) => {
      const registry = createMetricRegistry();
      for (const trigger of triggers)
        registry.count('clover.function.rejected', 1, { 'faas.name': trigger });
      const text = prometheusText(await registry.collect());
      const family = parsePrometheus(text).get('clover_function_rejected_total');
      t.deepEqual(
        (family?.samples ?? []).map(({ labels }) => labels['faas_name']),
        triggers,
      );
    }),
    { numRuns: 50 },
  );
});

test('histograms are cumulative and a bound belongs to its own bucket', async (t) => {
  await fc.assert(
    fc.asyncProperty(fc.array(fc.double({ min: 0, max: 40, noNaN: true })), async (values) => {
      const registry = createMetricRegistry();
      for (const value of [0.1, ...values]) registry.record('faas.init_duration', value);
      const text = prometheusText(await registry.collect());
      const family = parsePrometheus(text).get('clover_faas_init_duration_seconds');
      for (const { name, labels, value } of family?.samples ?? []) {
        if (!name.endsWith('_bucket')) continue;
        const bound = labels['le'] === '+Inf' ? Infinity : Number(labels['le']);
        t.is(value, [0.1, ...values].filter((one) => one <= bound).length);
      }
    }),
    { numRuns: 50 },
  );
});

test('a metric that cannot be read is left out and counted; the others are there', async (t) => {
  const registry = createMetricRegistry();
  registry.observe('clover.broker.queue.depth', async () => [{ value: 3 }]);
  registry.observe('clover.broker.dead_letters', () => Promise.reject(new Error('on purpose')));
  const parsed = parsePrometheus(prometheusText(await registry.collect()));
  t.is(parsed.get('clover_broker_queue_depth')?.samples[0]?.value, 3);
  t.false(parsed.has('clover_broker_dead_letters'));
  t.deepEqual(parsed.get('clover_telemetry_read_failures_total')?.samples, [
    {
      name: 'clover_telemetry_read_failures_total',
      labels: { metric: 'clover.broker.dead_letters' },
      value: 1,
    },
  ]);
});

test('the number of series has a bound, and nothing is lost beyond it', async (t) => {
  const registry = createMetricRegistry();
  for (let index = 0; index < 2_500; index += 1) {
    registry.count('clover.function.rejected', 1, { 'faas.name': String(index) });
  }
  const parsed = parsePrometheus(prometheusText(await registry.collect()));
  const samples = parsed.get('clover_function_rejected_total')?.samples ?? [];
  t.is(samples.length, 2_001);
  t.is(samples.find(({ labels }) => 'otel_metric_overflow' in labels)?.value, 500);
});

test('attributes that the table does not name are not kept', async (t) => {
  const registry = createMetricRegistry();
  registry.count('clover.ingest.refused', 1, { reason: 'malformed', id: '1' });
  registry.count('clover.ingest.refused', 1, { reason: 'malformed', id: '2' });
  t.deepEqual(await registry.read('clover.ingest.refused'), [
    { value: 2, attributes: { reason: 'malformed' } },
  ]);
});

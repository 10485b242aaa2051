import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import anyTest from 'ava';
import { parse } from 'yaml';
import { z } from 'zod';
import { metrics } from '../../functions/host/telemetry/metrics.ts';
import { prometheusName } from '../../functions/lib/metrics/prometheus-text.ts';
import { metricNames } from '../../functions/host/telemetry/registry.ts';
import { eventOf, temporaryFolder, until } from '../functions/host/helpers.ts';
import { startControlPlane } from '../functions/host/telemetry/control-plane.ts';
import { whyNoReceivers, withReceivers } from './with-receivers.ts';

const why = await whyNoReceivers();
if (why !== undefined) process.stderr.write(`${why}\n`);
const test = why === undefined ? anyTest.serial : anyTest.serial.skip;
const root = new URL('../../', import.meta.url);

const metricsToken = 'a-token-for-prometheus';

/** What Prometheus' own programs agreed on is not what OpenTelemetry's conventions call it. */
const sentAs: Readonly<Record<string, string>> = {
  nodejs_heap_size_used_bytes: 'v8js_memory_heap_used_bytes',
  process_cpu_seconds_total: 'process_cpu_time_seconds_total',
  process_open_fds: 'process_unix_file_descriptor_count',
  process_resident_memory_bytes: 'process_memory_usage_bytes',
};

/** The name that a Prometheus gives a metric that comes over OTLP. */
const nameOfSent = (scraped: string): string => {
  const isOurs = metricNames.some(
    (name) => name.startsWith('clover.') && prometheusName(name, metrics[name]) === scraped,
  );
  return sentAs[scraped] ?? (isOurs ? scraped : scraped.replace(/^clover_/, ''));
};

const scraping = z.object({
  scrape_configs: z.tuple([
    z.looseObject({
      authorization: z.object({ credentials_file: z.string() }),
      static_configs: z.array(z.object({ targets: z.array(z.string()) })),
    }),
  ]),
  rule_files: z.tuple([z.string()]),
});

test('metrics that are sent and metrics that are scraped have the names of the documentation, and the alert that the control plane is down', async (t) => {
  t.timeout(300_000);
  const { collector, prometheus } = await withReceivers(t);
  const plane = await startControlPlane(
    t,
    { metricsToken },
    {
      OTEL_EXPORTER_OTLP_ENDPOINT: collector.http,
      OTEL_TRACES_EXPORTER: 'none',
      OTEL_METRIC_EXPORT_INTERVAL: '500',
      OTEL_METRIC_EXPORT_TIMEOUT: '500',
    },
  );
  t.is(await plane.publish(eventOf({ data: Buffer.alloc(300 * 1024) })), 413);
  const folder = await temporaryFolder(t);
  const token = join(folder, 'token');
  await writeFile(token, metricsToken);
  const page = await readFile(new URL('docs/telemetry.md', root), 'utf8');
  const written: unknown = parse(/```yaml\n([^`]*)```/.exec(page)?.[1] ?? '');
  const { scrape_configs: jobs, rule_files: rules } = scraping.parse(written);
  const [job] = jobs;
  await prometheus.configure({
    scrape_configs: [
      {
        ...job,
        authorization: { credentials_file: token },
        static_configs: [{ targets: [new URL(plane.url).host] }],
      },
      { job_name: 'collector', static_configs: [{ targets: [collector.metrics] }] },
    ],
    rule_files: [fileURLToPath(new URL(rules[0], root))],
  });
  const valueOf = async (expression: string): Promise<number | undefined> =>
    (await prometheus.query(expression))[0]?.value;
  await until(async () => (await valueOf('up{job="clover"}')) === 1);

  const scraped = [...(await plane.scrape()).entries()];
  t.true(scraped.length > 20);
  const sender = 'instance!~".*:.*"';
  const expected = scraped.map(([family]) => nameOfSent(family));
  const isSent = async (name: string): Promise<boolean> => {
    const names = `{__name__=~"${name}|${name}_count",${sender}}`;
    return (await prometheus.query(names)).length > 0;
  };
  for (const name of expected) await until(() => isSent(name));
  const sent = await prometheus.query(`group by (__name__) ({job="clover",${sender}})`);
  const known = new Set(expected);
  const unknown = sent
    .map(({ labels }) => labels['__name__'] ?? '')
    .filter((name) => !known.has(name) && !known.has(name.replace(/_(?:bucket|count|sum)$/, '')));
  t.deepEqual(unknown, ['target_info']);
  t.is(await valueOf(`clover_broker_refused_total{cause="body",${sender}}`), 1);
  t.is(await valueOf('clover_broker_refused_total{cause="body",instance=~".*:.*"}'), 1);

  await until(
    async () => ((await valueOf('otelcol_receiver_accepted_metric_points')) ?? 0) >= sent.length,
  );
  const lost = 'otelcol_(receiver_(refused|failed)|exporter_(send|enqueue)_failed)_.*';
  t.deepEqual(await prometheus.query(`{__name__=~"${lost}"} > 0`), [], 'nothing got lost');

  const isDown = 'ALERTS{alertname="CloverDown",alertstate="firing"}';
  t.is(await valueOf(isDown), undefined);
  t.is(await plane.end(), 0);
  await until(async () => (await valueOf(isDown)) === 1);
});

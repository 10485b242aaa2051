import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import test, { type ExecutionContext } from 'ava';
import { stringify } from 'yaml';
import { z } from 'zod';
import { eventTypes, type EvidenceReport } from '../../../../knative/events.ts';
import { freePort } from '../../../../functions/lib/free-port.ts';
import type { CloudEvent } from '../../../../functions/lib/cloud-event.ts';
import { webhookName } from '../../../../knative/catalogue.ts';
import { eventOf, listenOnLoopback, temporaryFolder, until } from '../helpers.ts';
import { examples } from '../../resources/examples.ts';
import { startControlPlane, type StartedControlPlane } from './control-plane.ts';
import type { ParsedFamily } from './parse-prometheus.ts';

const rulesFile = fileURLToPath(
  new URL('../../../../infra/prometheus/clover-alerts.yaml', import.meta.url),
);
const isInstalled = (name: string): boolean => spawnSync(name, ['--version']).status === 0;

/** A report as an agent sends it. */
const reported = (
  node: string,
  boot: string,
  report: Partial<EvidenceReport> & Pick<EvidenceReport, 'sequence'>,
): CloudEvent =>
  eventOf({
    id: `${boot}-e${report.sequence}`,
    source: `/nodes/${node}/${boot}`,
    type: eventTypes.evidence,
    datacontenttype: 'application/json',
    data: Buffer.from(
      JSON.stringify({ watermarkMs: Date.now(), openTimeoutMs: 10_000, cells: [], ...report }),
    ),
  });

const waiting = 7;
const spoiled = 3;
const reports = 5;

interface Busy extends StartedControlPlane {
  /** Name of the webhook's function and trigger. */
  readonly webhook: string;
}

/**
 * A control plane with seven deliveries and a notification that a webhook does not take, three dead letters, an
 * experiment without its target, agents on two nodes, and events that were refused.
 */
async function startBusy(t: ExecutionContext): Promise<Busy> {
  let tried = 0;
  const receiver = createServer((_, response) => {
    tried += 1;
    response.writeHead(503, { 'retry-after': '600' }).end();
  });
  const hook = `http://127.0.0.1:${await listenOnLoopback(receiver)}/`;
  t.teardown(() => {
    receiver.closeAllConnections();
    receiver.close();
  });
  const plane = await startControlPlane(t, { notifications: [{ url: hook }] });
  const { url, headers, publish, apply } = plane;

  for (let event = 0; event < waiting; event += 1) {
    t.is(await publish(eventOf({ id: `w${event}`, type: eventTypes.notification })), 202);
  }
  for (let event = 0; event < spoiled; event += 1) {
    const bad = eventOf({ id: `d${event}`, type: eventTypes.evidence, data: Buffer.from('{}') });
    t.is(await publish(bad), 202);
  }
  const loss = { 'wire.ring_full': 5, 'spans.spool_full': 2 };
  t.is(await publish(reported('n1', 'old', { sequence: 1, loss: { 'wire.ring_full': 99 } })), 202);
  t.is(await publish(reported('n1', 'new', { sequence: 1, loss: {} })), 202);
  t.is(await publish(reported('n1', 'new', { sequence: 2, loss })), 202);
  t.is(await publish(reported('n2', 'b', { sequence: 9, watermarkMs: Date.now() - 40_000 })), 202);
  t.is(await publish(reported('n3', 'c', { sequence: 4, resting: true })), 202);
  t.is(await apply('experiments', 'try-v2', examples.Experiment), 201);

  t.is(await publish(eventOf({ data: Buffer.alloc(300 * 1024) })), 413);
  const nameless = await fetch(`${url}/broker`, {
    method: 'POST',
    headers: { ...headers, 'ce-specversion': '1.0', 'ce-id': '1', 'ce-source': '/' },
  });
  t.is(nameless.status, 400);
  const wrong = await fetch(`${url}/functions/ingest`, {
    method: 'POST',
    headers: {
      ...headers,
      'ce-specversion': '1.0',
      'ce-id': '1',
      'ce-source': '/',
      'ce-type': 'com.example.other',
    },
  });
  t.is(wrong.status, 400);
  // What follows from it all has happened once nothing is on its way but the retries.
  await until(async () => {
    const families = await plane.scrape();
    return (
      valueOf(families, 'clover_broker_dead_letters') === spoiled &&
      valueOf(families, 'clover_notify_raised_total') === 1 &&
      valueOf(families, 'clover_evidence_reports_total') === reports &&
      tried === waiting + 1 &&
      valueOf(families, 'clover_broker_retries_total') === waiting + 1
    );
  });
  return { ...plane, webhook: webhookName(hook) };
}

function valueOf(
  families: ReadonlyMap<string, ParsedFamily>,
  name: string,
  labels: Readonly<Record<string, string>> = {},
): number | undefined {
  const [only, ...more] = (families.get(name)?.samples ?? []).filter((sample) =>
    Object.entries(labels).every(([key, value]) => sample.labels[key] === value),
  );
  return more.length === 0 ? only?.value : Number.NaN;
}

test('a scrape of a busy control plane says what is so', async (t) => {
  const { scrape, webhook, url, headers, end } = await startBusy(t);
  const families = await scrape();
  const of = (name: string, labels?: Record<string, string>): number | undefined =>
    valueOf(families, name, labels);

  const trigger = webhook;
  t.is(of('clover_broker_queue_depth', { trigger }), waiting + 1);
  t.is(of('clover_broker_enqueued_total', { trigger }), waiting + 1);
  t.is(of('clover_broker_settled_total', { trigger }), 0);
  const evidence = { trigger: 'evaluate-reports' };
  t.is(of('clover_broker_enqueued_total', evidence), reports + spoiled);
  t.is(of('clover_broker_settled_total', evidence), reports + spoiled);
  t.is(of('clover_broker_dead_letters'), spoiled);
  const oldest = of('clover_broker_oldest_age_seconds') ?? -1;
  t.true(oldest > 0 && oldest < 120, String(oldest));
  for (const [cause, count] of Object.entries({ full: 0, share: 0, body: 1, invalid: 1 })) {
    t.is(of('clover_broker_refused_total', { cause }), count, cause);
  }
  t.is(
    of('clover_function_rejected_total', {
      faas_name: 'ingest',
      error_type: 'CLV_EVENT_INVALID',
    }),
    1,
  );
  t.is(of('clover_notify_deliveries_total', { faas_name: webhook, outcome: 'sent' }), 0);
  t.is(
    of('clover_notify_deliveries_total', { faas_name: webhook, outcome: 'failed' }),
    waiting + 1,
  );

  t.is(of('clover_experiments', { phase: 'Pending' }), 1);
  t.is(of('clover_agent_loss_total', { node: 'n1', cause: 'wire.ring_full' }), 5);
  t.is(of('clover_agent_loss_total', { node: 'n1', cause: 'spans.spool_full' }), 2);
  t.is(families.get('clover_agent_loss_total')?.samples.length, 2, 'an old start does not count');
  const behind = of('clover_evidence_watermark_lag_seconds', { node: 'n2' }) ?? 0;
  t.is(of('clover_agent_reports_missed_total', { node: 'n1' }), 0);
  t.true((of('clover_agent_last_report_age_seconds', { node: 'n1' }) ?? 99) < 60);
  t.is(of('clover_agent_resting', { node: 'n2' }), 0);
  t.is(of('clover_agent_resting', { node: 'n3' }), 1);
  t.is(of('clover_evidence_watermark_lag_seconds', { node: 'n3' }), undefined);
  const bad = {
    faas_name: 'evaluate',
    faas_trigger: 'pubsub',
    error_type: 'CLV_EVENT_DATA_INVALID',
  };
  t.is(of('clover_faas_errors_total', bad), spoiled);

  const answer = await fetch(`${url}/v1/status`, { headers });
  const status = z.record(z.string(), z.record(z.string(), z.number())).parse(await answer.json());
  t.like(status['agent/n1'], { missedReports: 0, 'lost.wire.ring_full': 5 });
  t.like(status['agent/n3'], { resting: 1, watermarkLagSeconds: undefined });
  t.like(status['broker'], { dead: spoiled, 'refused.full': 0 });
  t.true((status['agent/n2']?.['watermarkLagSeconds'] ?? 0) >= behind);
  t.is(await end(), 0);
});

const prometheus = isInstalled('prometheus') && isInstalled('promtool') ? test : test.skip;
const result = z.object({
  data: z.object({
    result: z.array(
      z.object({
        metric: z.record(z.string(), z.string()),
        value: z.tuple([z.number(), z.string()]),
      }),
    ),
  }),
});

prometheus('a Prometheus takes a scrape, reads the same, and the rules fire on it', async (t) => {
  const { url, headers, webhook } = await startBusy(t);
  const input = await (await fetch(`${url}/metrics`, { headers })).text();
  const check = spawnSync('promtool', ['check', 'metrics'], { input, encoding: 'utf8' });
  t.is(check.status, 0, check.stdout + check.stderr);
  const folder = await temporaryFolder(t);
  const config = {
    global: { scrape_interval: '1s', evaluation_interval: '1s' },
    rule_files: [rulesFile],
    scrape_configs: [
      {
        job_name: 'clover',
        authorization: { credentials: headers.authorization.replace('Bearer ', '') },
        static_configs: [{ targets: [new URL(url).host] }],
      },
    ],
  };
  await writeFile(join(folder, 'prometheus.yml'), stringify(config));
  const port = await freePort();
  const child = spawn(
    'prometheus',
    [
      `--config.file=${join(folder, 'prometheus.yml')}`,
      `--storage.tsdb.path=${join(folder, 'data')}`,
      `--web.listen-address=127.0.0.1:${port}`,
    ],
    { stdio: 'ignore' },
  );
  const ended: Promise<unknown> = once(child, 'close');
  t.teardown(async () => {
    child.kill('SIGKILL');
    await ended;
  });
  const ask = async (query: string): Promise<z.output<typeof result>['data']['result']> => {
    const path = `/api/v1/query?query=${encodeURIComponent(query)}`;
    const response = await fetch(`http://127.0.0.1:${port}${path}`).catch(() => undefined);
    return response?.ok === true ? result.parse(await response.json()).data.result : [];
  };
  const value = async (query: string): Promise<number | undefined> => {
    const [first] = await ask(query);
    return first === undefined ? undefined : Number(first.value[1]);
  };
  await until(async () => child.exitCode !== null || (await value('up{job="clover"}')) === 1);
  t.is(await value(`clover_broker_queue_depth{trigger="${webhook}"}`), waiting + 1);
  t.is(await value('clover_broker_dead_letters'), spoiled);
  t.is(await value('sum(clover_agent_loss_total)'), 7);
  t.is(await value('clover_experiments{phase="Pending"}'), 1);
  t.is(await value('count(clover_build_info)'), 1);
  const firing = async (alert: string): Promise<boolean> =>
    (await ask(`ALERTS{alertstate="firing",alertname="${alert}"}`)).length > 0;
  await until(() => firing('CloverDeadLetters'));
  await until(() => firing('CloverAgentLoses'));
  t.false(await firing('CloverDown'));
});

import { spawnSync } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import test from 'ava';
import { parse } from 'yaml';
import { z } from 'zod';
import { backOffMs } from '../../../functions/host/broker/back-off.ts';
import { planDelivery } from '../../../functions/host/broker/delivery.ts';
import { metrics } from '../../../functions/host/telemetry/metrics.ts';
import { prometheusName } from '../../../functions/lib/metrics/prometheus-text.ts';
import { runbook } from '../../../infra/docs/runbook.ts';
import { catalogue, webhookEntry, type Trigger } from '../../../knative/catalogue.ts';
import { metricNames } from '../../../functions/host/telemetry/registry.ts';

const root = new URL('../../../', import.meta.url);
const rulesFile = fileURLToPath(new URL('infra/prometheus/clover-alerts.yaml', root));
const testsFile = fileURLToPath(new URL('clover-alerts.test.yaml', import.meta.url));
const rules = z.object({
  groups: z.array(
    z.object({
      rules: z.array(
        z.object({
          alert: z.string(),
          expr: z.string(),
          labels: z.object({ severity: z.enum(['warning', 'critical']) }),
          annotations: z.object({
            summary: z.string(),
            description: z.string(),
            runbook_url: z.string(),
          }),
        }),
      ),
    }),
  ),
});

const readRules = async () => {
  const document: unknown = parse(await readFile(rulesFile, 'utf8'));
  return rules.parse(document).groups.flatMap((group) => group.rules);
};

/** Of a histogram there are three series. */
const withoutSuffix = (expr: string): string =>
  expr.replaceAll(/(clover_\w+_seconds)_(?:bucket|count|sum)\b/g, '$1');

test('every metric and label of a rule is in the table of metrics', async (t) => {
  const labels = new Map<string, readonly string[]>(
    metricNames.map((name) => [
      prometheusName(name, metrics[name]),
      metrics[name].labels.map((label) => label.replaceAll('.', '_')),
    ]),
  );
  for (const { alert, expr } of await readRules()) {
    const used = [
      ...withoutSuffix(expr).matchAll(/\b((?:clover|process|nodejs)_\w+|up)\b(?:\{([^}]*)\})?/g),
    ];
    t.true(used.length > 0, alert);
    for (const [, name = '', matchers = ''] of used) {
      if (name === 'up') continue;
      const known = labels.get(name);
      t.truthy(known, `${alert}: ${name}`);
      for (const [, label = ''] of matchers.matchAll(/(\w+)(?:=~|!~|!=|=)/g)) {
        t.true(label === 'job' || known?.includes(label), `${alert}: ${name}{${label}}`);
      }
    }
  }
});

test('every rule has its runbook in docs/telemetry.md, and every runbook its rule', async (t) => {
  const page = await readFile(new URL('docs/telemetry.md', root), 'utf8');
  const alerts = await readRules();
  t.deepEqual(Object.keys(runbook).toSorted(), alerts.map(({ alert }) => alert).toSorted());
  for (const { alert, annotations } of alerts) {
    t.true(page.includes(`\n### ${alert}\n`), alert);
    t.is(annotations.runbook_url, `docs/telemetry.md#${alert.toLowerCase()}`);
  }
});

test('every command of cloverctl in a runbook is one, with its options', async (t) => {
  const page = await readFile(new URL('docs/cli.md', root), 'utf8');
  const sections = page.split(/^### `/m).slice(1);
  const commands = Object.values(runbook)
    .flatMap((entry) => entry.commands)
    .flatMap((command) => /^cloverctl [^|]*/.exec(command)?.[0].trim() ?? []);
  t.true(commands.length > 10);
  for (const command of commands) {
    const section = sections.find((text) => `${command} `.startsWith(`${text.split('`', 1)[0]} `));
    t.truthy(section, command);
    for (const [option] of command.matchAll(/ -{1,2}[a-zA-Z-]+/g)) {
      t.true(section?.includes(option), `${command}:${option}`);
    }
  }
});

/** Minutes from the first attempt to the last, when each fails at once, and when each takes its whole timeout. */
const spanOf = ({ delivery }: Trigger): readonly number[] => {
  const plan = planDelivery(delivery, 'delivery');
  const waits = Array.from({ length: plan.retry }, (_, index) => backOffMs(plan, index + 1));
  const wait = waits.reduce((sum, each) => sum + each, 0);
  return [wait, wait + (plan.retry + 1) * plan.timeoutMs].map((ms) => ms / 60_000);
};

test('the alert about late deliveries is silent while a webhook is down, and its runbook says how long that is', async (t) => {
  const rule = (await readRules()).find(({ alert }) => alert === 'CloverDeliveriesLate');
  const limit = Number(/> (\d+)$/.exec(rule?.expr ?? '')?.[1]) / 60;
  const own = catalogue.flatMap(({ triggers }) => triggers.map(spanOf));
  const hook = webhookEntry('webhook').triggers.map(spanOf);
  for (const span of [...own, ...hook]) t.true(Math.max(...span) < limit);
  const [least, most] = [Math.min(...own.flat()), Math.max(...own.flat())].map(Math.round);
  const [short, long] = hook.flat().map(Math.round);
  const { text = '' } = runbook['CloverDeliveriesLate'] ?? {};
  t.true(
    text.includes(`${least} to ${most} minutes, that to a webhook after ${short} to ${long},`),
  );
});

const cases = z.object({
  tests: z.array(
    z.object({
      alert_rule_test: z.array(
        z.object({ alertname: z.string(), exp_alerts: z.array(z.unknown()) }),
      ),
    }),
  ),
});

test('of every rule it is tested that it fires, and that it is silent', async (t) => {
  const document: unknown = parse(await readFile(testsFile, 'utf8'));
  const tested = cases.parse(document).tests.flatMap((one) => one.alert_rule_test);
  for (const { alert } of await readRules()) {
    const counts = tested
      .filter(({ alertname }) => alertname === alert)
      .map((one) => one.exp_alerts.length);
    t.true(counts.includes(0), `${alert} is never silent`);
    t.true(
      counts.some((count) => count > 0),
      `${alert} never fires`,
    );
  }
});

const promtool = spawnSync('promtool', ['--version']).status === 0 ? test : test.skip;

promtool('promtool takes the rules, and they fire when they should and only then', (t) => {
  for (const args of [
    ['check', 'rules', rulesFile],
    ['test', 'rules', testsFile],
  ]) {
    const { status, stdout, stderr } = spawnSync('promtool', args, { encoding: 'utf8' });
    t.is(status, 0, stdout + stderr);
  }
});

import { spawnSync } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import test from 'ava';
import { parse } from 'yaml';
import { z } from 'zod';
import { metrics } from '../../../functions/host/telemetry/metrics.ts';
import { prometheusName } from '../../../functions/host/telemetry/prometheus-text.ts';
import { metricNames } from '../../../functions/host/telemetry/registry.ts';

const root = new URL('../../../', import.meta.url);
const rulesFile = fileURLToPath(new URL('infra/prometheus/clover-alerts.yaml', root));
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

test('every metric and label of a rule is in the table of metrics', async (t) => {
  const labels = new Map<string, readonly string[]>(
    metricNames.map((name) => [
      prometheusName(name, metrics[name]),
      metrics[name].labels.map((label) => label.replaceAll('.', '_')),
    ]),
  );
  for (const { alert, expr } of await readRules()) {
    const used = [...expr.matchAll(/\b((?:clover|process|nodejs)_\w+|up)\b(?:\{([^}]*)\})?/g)];
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

test('every rule has its place in docs/telemetry.md', async (t) => {
  const page = await readFile(new URL('docs/telemetry.md', root), 'utf8');
  for (const { alert, annotations } of await readRules()) {
    t.true(page.includes(`\n### ${alert}\n`), alert);
    t.is(annotations.runbook_url, `docs/telemetry.md#${alert.toLowerCase()}`);
  }
});

const promtool = spawnSync('promtool', ['--version']).status === 0 ? test : test.skip;

promtool('promtool takes the rules, and they fire when they should', (t) => {
  for (const args of [
    ['check', 'rules', rulesFile],
    ['test', 'rules', fileURLToPath(new URL('clover-alerts.test.yaml', import.meta.url))],
  ]) {
    const { status, stdout, stderr } = spawnSync('promtool', args, { encoding: 'utf8' });
    t.is(status, 0, stdout + stderr);
  }
});

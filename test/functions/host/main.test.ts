import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { access, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import test from 'ava';
import { z } from 'zod';
import { metrics } from '../../../functions/host/telemetry/metrics.ts';
import { prometheusName } from '../../../functions/lib/metrics/prometheus-text.ts';
import { metricNames } from '../../../functions/host/telemetry/registry.ts';
import { temporaryFolder, until } from './helpers.ts';
import { parsePrometheus } from './telemetry/parse-prometheus.ts';

const program = fileURLToPath(new URL('../../../functions/host/main.ts', import.meta.url));
const token = 'a-token-for-the-tests';
const announced = z.strictObject({ pid: z.int(), url: z.string() });

test('the control plane serves resources while ClickHouse is down, and ends in order', async (t) => {
  const dataDir = join(await temporaryFolder(t), 'data');
  const config = join(await temporaryFolder(t), 'host.json');
  const clickhouse = {
    url: 'http://127.0.0.1:9',
    username: 'u',
    password: 'p',
    database: 'clover',
  };
  await writeFile(config, JSON.stringify({ dataDir, token, clickhouse }));
  const child = spawn(process.execPath, [program, '--config', config], { stdio: 'pipe' });
  t.teardown(() => child.kill('SIGKILL'));
  let log = '';
  child.stdout.on('data', (data: Buffer) => (log += data.toString()));
  child.stderr.on('data', (data: Buffer) => (log += data.toString()));
  const exited: Promise<unknown> = once(child, 'close');
  const file = join(dataDir, 'host.json');
  const exists = (): Promise<boolean> =>
    access(file).then(
      () => true,
      () => false,
    );
  await until(async () => child.exitCode !== null || (await exists()));
  t.is(child.exitCode, null, log);

  const { pid, url } = announced.parse(JSON.parse(await readFile(file, 'utf8')));
  t.is(pid, Number(child.pid));
  const headers = { authorization: `Bearer ${token}` };
  t.is((await fetch(`${url}/health/ready`)).status, 200);
  t.is((await fetch(`${url}/apis/clover.dev/v1alpha1/taps`, { headers })).status, 200);
  const status = await fetch(`${url}/v1/status`, { headers });
  t.like(await status.json(), { broker: { depth: 0 }, ingest: { spans: 0 } });
  const spans = await fetch(`${url}/functions/ingest`, {
    method: 'POST',
    headers: {
      ...headers,
      'ce-specversion': '1.0',
      'ce-id': '1',
      'ce-source': '/nodes/n/b',
      'ce-type': 'dev.clover.telemetry.spans.v1',
    },
    // One empty ResourceSpans.
    body: new Uint8Array([0x0a, 0x00]),
  });
  t.is(spans.status, 503, await spans.text());
  t.truthy(spans.headers.get('retry-after'));

  t.is((await fetch(`${url}/metrics`)).status, 401);
  const page = await fetch(`${url}/metrics`, { headers });
  t.regex(page.headers.get('content-type') ?? '', /^text\/plain; version=0\.0\.4/);
  const families = parsePrometheus(await page.text());
  const valueOf = (name: string): number | undefined => families.get(name)?.samples[0]?.value;
  t.is(valueOf('clover_broker_dead_letters'), 0);
  t.is(valueOf('clover_faas_coldstarts_total'), 1);
  t.true((valueOf('process_resident_memory_bytes') ?? 0) > 1e7);
  t.deepEqual(
    families
      .get('clover_ingest_refused_total')
      ?.samples.map(({ labels, value }) => [labels, value]),
    [
      [{ reason: 'malformed' }, 0],
      [{ reason: 'overloaded' }, 0],
      [{ reason: 'unavailable' }, 1],
    ],
  );
  // Of these there may be nothing yet; the ingress, who takes Knative's dead letters, and who asks who sends, are processes of their own.
  const later =
    /agent|experiment|faas\.(?:errors|invocations)|clover\.(?:dead_letters|ingress)|last_stored|notify\.deliveries|queue\.depth|read_failures|rejected|senders|watermark/;
  const missing = metricNames.filter(
    (name) => !later.test(name) && !families.has(prometheusName(name, metrics[name])),
  );
  t.deepEqual(missing, []);

  child.kill('SIGTERM');
  await exited;
  t.is(child.exitCode, 0, log);
  t.false(await exists());
});

test('a bad configuration is told in one line and ends with 2', async (t) => {
  const config = join(await temporaryFolder(t), 'host.json');
  await writeFile(config, '{"datadir": "/x"}');
  const child = spawn(process.execPath, [program, '--config', config], { stdio: 'pipe' });
  let log = '';
  child.stderr.on('data', (data: Buffer) => (log += data.toString()));
  await once(child, 'close');
  t.is(child.exitCode, 2);
  t.regex(log, /datadir: unknown key/);
  t.notRegex(log, /\n.+\n/);
});

for (const name of ['broker.db', 'evidence.db', 'resources.db']) {
  test(`a damaged ${name} is named, with what to do`, async (t) => {
    const dataDir = await temporaryFolder(t);
    const config = join(dataDir, 'config.json');
    const clickhouse = { url: 'http://127.0.0.1:9', username: 'u', password: 'p', database: 'c' };
    await writeFile(config, JSON.stringify({ dataDir, token, clickhouse }));
    await writeFile(join(dataDir, name), Buffer.alloc(8_192, 7));
    const child = spawn(process.execPath, [program, '--config', config], { stdio: 'pipe' });
    let log = '';
    child.stdout.on('data', (data: Buffer) => (log += data.toString()));
    await once(child, 'close');
    t.is(child.exitCode, 1);
    t.true(log.includes(`cannot open ${join(dataDir, name)}: `), log);
    t.true(log.includes('file is not a database; restore it'), log);
  });
}

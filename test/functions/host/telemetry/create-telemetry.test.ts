import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import test, { type ExecutionContext } from 'ava';
import { z } from 'zod';
import { temporaryFolder, until } from '../helpers.ts';
import { startOtlpReceiver } from './otlp-receiver.ts';

const fixture = (name: string): string =>
  fileURLToPath(new URL(`fixtures/${name}`, import.meta.url));
const traceId = '0af7651916cd43dd8448eb211c80319c';
const caller = `00-${traceId}-b7ad6b7169203331-01`;

const printed = z.object({ readyMs: z.number(), cold: z.string(), warm: z.string() });

/** Runs the process; the modules that it loaded, and what it printed. */
async function run(
  t: ExecutionContext,
  variables: Record<string, string>,
  untilSdk?: () => boolean,
) {
  const modules = join(await temporaryFolder(t), 'modules.json');
  const inherited = Object.entries(process.env).filter(([name]) => !name.startsWith('OTEL_'));
  const child = spawn(
    process.execPath,
    ['--import', fixture('note-modules.ts'), fixture('traced-process.ts'), caller],
    {
      env: { ...Object.fromEntries(inherited), ...variables, CLOVER_TEST_MODULES: modules },
      stdio: ['pipe', 'pipe', 'pipe'],
    },
  );
  t.teardown(() => child.kill('SIGKILL'));
  const [out, log] = [text(child.stdout), text(child.stderr)];
  const ended: Promise<unknown> = once(child, 'close');
  if (untilSdk !== undefined) await until(() => child.exitCode !== null || untilSdk());
  child.stdin.end();
  await ended;
  t.is(child.exitCode, 0, await log);
  const list = z.array(z.string()).parse(JSON.parse(await readFile(modules, 'utf8')));
  return {
    ...printed.parse(JSON.parse(await out)),
    log: await log,
    openTelemetry: list.filter((url) => url.includes('/@opentelemetry/')),
  };
}

test('without a receiver nothing of OpenTelemetry is loaded, and the trace goes on', async (t) => {
  const { openTelemetry, cold } = await run(t, {});
  t.deepEqual(openTelemetry, []);
  t.is(cold, caller);
});

test('OTEL_SDK_DISABLED loads nothing, whatever else is set', async (t) => {
  const { openTelemetry } = await run(t, {
    OTEL_SDK_DISABLED: 'true',
    OTEL_EXPORTER_OTLP_ENDPOINT: 'http://127.0.0.1:9',
  });
  t.deepEqual(openTelemetry, []);
});

test('spans of before and after the SDK was loaded join the trace of their caller', async (t) => {
  const receiver = await startOtlpReceiver(t);
  const { cold, warm, openTelemetry } = await run(
    t,
    {
      OTEL_EXPORTER_OTLP_ENDPOINT: receiver.url,
      OTEL_EXPORTER_OTLP_PROTOCOL: 'http/json',
      OTEL_BSP_SCHEDULE_DELAY: '50',
      OTEL_METRIC_EXPORT_INTERVAL: '60000',
      OTEL_RESOURCE_ATTRIBUTES: 'deployment.environment.name=test',
    },
    () => receiver.spans.length >= 2,
  );
  t.true(openTelemetry.some((url) => url.includes('/sdk-node/')));
  const byName = new Map(
    receiver.spans.map((span) => [span.attributes['cloudevents.event_id'] ?? span.name, span]),
  );
  const [first, inner, second] = ['cold', 'inner', 'warm'].map((name) => byName.get(name));
  t.is(receiver.spans.length, 3);
  t.true(receiver.spans.every((span) => span.traceId === traceId));

  t.like(first, {
    name: 'CloudEvents Process test.event',
    parentSpanId: 'b7ad6b7169203331',
    spanId: cold.split('-')[2] ?? '',
    kind: 5,
  });
  t.like(first?.attributes, {
    'faas.name': 'f',
    'faas.trigger': 'pubsub',
    'faas.coldstart': true,
    'cloudevents.event_source': '/test',
    'messaging.destination.subscription.name': 'f-test',
  });
  t.is(inner?.parentSpanId, first?.spanId);
  t.true(BigInt(first?.endTimeUnixNano ?? 0) >= BigInt(first?.startTimeUnixNano ?? 1));
  t.like(second, { parentSpanId: 'b7ad6b7169203331', spanId: warm.split('-')[2] ?? '' });
  t.like(second?.attributes, { 'faas.coldstart': false, 'error.type': 'CLV_INTERNAL' });
  t.is(second?.status.code, 2);
  t.deepEqual(
    second?.events.map(({ name }) => name),
    ['exception'],
  );

  t.like(receiver.resources[0], {
    'service.name': 'clover',
    'deployment.environment.name': 'test',
  });
  t.is(receiver.resources[0]?.['process.command_args'], undefined);
});

test('what was counted before the SDK was loaded is sent as well', async (t) => {
  const receiver = await startOtlpReceiver(t);
  await run(
    t,
    {
      OTEL_METRICS_EXPORTER: 'otlp',
      OTEL_TRACES_EXPORTER: 'none',
      OTEL_EXPORTER_OTLP_ENDPOINT: receiver.url,
      OTEL_EXPORTER_OTLP_PROTOCOL: 'http/json',
      OTEL_METRIC_EXPORT_INTERVAL: '200',
      OTEL_METRIC_EXPORT_TIMEOUT: '200',
    },
    () => receiver.metrics.length > 0,
  );
  t.is(receiver.spans.length, 0);
  const last = new Map(receiver.metrics.map((metric) => [metric.name, metric]));
  const valueOf = (name: string): unknown => {
    const { sum, gauge } = last.get(name) ?? {};
    const [point] = (sum ?? gauge)?.dataPoints ?? [];
    return point?.asInt ?? point?.asDouble;
  };
  t.is(valueOf('clover.broker.queue.depth'), 7);
  t.is(valueOf('clover.host.bodies.slow'), 0, 'never counted');
  t.is(valueOf('clover.ingest.refused'), 2);
  t.is(valueOf('faas.coldstarts'), 1);
  t.is(valueOf('faas.errors'), 1);
  t.is(last.get('faas.init_duration')?.histogram?.dataPoints[0]?.count, 1);
  const invoked = last.get('faas.invoke_duration')?.histogram?.dataPoints ?? [];
  t.deepEqual(
    invoked.map(({ attributes, count }) => [attributes['faas.trigger'], count]),
    [
      ['pubsub', 1],
      ['http', 1],
    ],
  );
});

test('a receiver that is down is a warning, and does not hold up the end', async (t) => {
  const began = performance.now();
  const { log } = await run(t, {
    OTEL_EXPORTER_OTLP_ENDPOINT: 'http://127.0.0.1:9',
    OTEL_EXPORTER_OTLP_PROTOCOL: 'http/json',
  });
  t.true(performance.now() - began < 60_000);
  t.regex(log, /ECONNREFUSED|was not sent/);
});

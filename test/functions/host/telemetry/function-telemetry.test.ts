import { fork } from 'node:child_process';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import test, { type ExecutionContext } from 'ava';
import { z } from 'zod';
import { eventHeaders } from '../../../../functions/lib/event-headers.ts';
import { eventOf, temporaryFolder } from '../helpers.ts';
import { startCollector } from './collector.ts';

const fixture = (name: string): string =>
  fileURLToPath(new URL(`fixtures/${name}`, import.meta.url));
const traceId = '0af7651916cd43dd8448eb211c80319c';
const caller = `00-${traceId}-b7ad6b7169203331-01`;
const line = z.looseObject({ msg: z.string() });

interface Ended {
  readonly code: number | null;
  readonly log: readonly z.output<typeof line>[];
  readonly reply: string | null;
  readonly modules: readonly string[];
}

/** Runs the function, gives it one event, and ends it with SIGTERM. */
async function runOnce(t: ExecutionContext, variables: Record<string, string>): Promise<Ended> {
  const modules = join(await temporaryFolder(t), 'modules.json');
  const inherited = Object.entries(process.env).filter(([name]) => !/^(?:OTEL|K)_/.test(name));
  const child = fork(fixture('function-process.ts'), {
    env: {
      ...Object.fromEntries(inherited),
      PORT: '0',
      K_SERVICE: 'shop-cart',
      K_REVISION: 'shop-cart-00003',
      CLOVER_TEST_MODULES: modules,
      ...variables,
    },
    execArgv: ['--import', fixture('note-modules.ts')],
    stdio: ['ignore', 'pipe', 'inherit', 'ipc'],
  });
  t.teardown(() => child.kill('SIGKILL'));
  let out = '';
  child.stdout?.on('data', (data: Buffer) => (out += data.toString()));
  const ended: Promise<unknown> = once(child, 'close');
  const announced = await new Promise<string>((resolve, reject) => {
    child.once('message', (url) => resolve(z.string().parse(url)));
    child.once('exit', () => reject(new Error('it ended')));
  });
  const url = announced.replace('0.0.0.0', '127.0.0.1');
  const response = await fetch(url, {
    method: 'POST',
    headers: { ...eventHeaders(eventOf()), traceparent: caller },
    body: '{}',
  });
  await response.arrayBuffer();
  child.kill('SIGTERM');
  await ended;
  return {
    code: child.exitCode,
    log: out
      .trim()
      .split('\n')
      .map((text) => line.parse(JSON.parse(text))),
    reply: response.headers.get('ce-traceparent'),
    modules: z.array(z.string()).parse(JSON.parse(await readFile(modules, 'utf8'))),
  };
}

for (const protocol of ['http/protobuf', 'grpc'] as const) {
  test(`a function sends its spans and metrics over ${protocol} before it ends`, async (t) => {
    const collector = await startCollector(t, protocol);
    const { code, log, reply } = await runOnce(t, {
      OTEL_EXPORTER_OTLP_ENDPOINT: collector.url,
      OTEL_EXPORTER_OTLP_PROTOCOL: protocol,
      OTEL_RESOURCE_ATTRIBUTES: 'deployment.environment.name=test',
      // Nothing is sent of itself in the time of a test: what came was sent at the end.
      OTEL_BSP_SCHEDULE_DELAY: '60000',
      OTEL_METRIC_EXPORT_INTERVAL: '60000',
    });
    t.is(code, 0);
    const [kind, type] =
      protocol === 'grpc'
        ? [/TraceService\/Export application\/grpc/, /MetricsService\/Export application\/grpc/]
        : [/^\/v1\/traces application\/x-protobuf/, /^\/v1\/metrics application\/x-protobuf/];
    for (const expected of [kind, type])
      t.true(
        collector.exports.some((path) => expected.test(path)),
        String(collector.exports),
      );

    for (const resource of collector.resources) {
      t.like(resource, {
        'service.name': 'shop-cart',
        'faas.name': 'shop-cart',
        'faas.version': 'shop-cart-00003',
        'deployment.environment.name': 'test',
      });
      t.regex(String(resource['service.instance.id']), /^[0-9a-f-]{36}$/);
      t.is(resource['process.command_args'], undefined);
    }
    const [request, invocation] = [2, 5].map((of) =>
      collector.spans.find((span) => span.kind === of),
    );
    t.is(collector.spans.length, 2);
    t.like(request, { traceId, parentSpanId: 'b7ad6b7169203331', name: 'POST /' });
    t.like(invocation, {
      traceId,
      parentSpanId: request?.spanId ?? '',
      name: 'CloudEvents Process test.event',
    });
    t.like(invocation?.attributes, { 'faas.name': 'cart', 'faas.coldstart': true });
    t.is(reply, `00-${traceId}-${invocation?.spanId}-01`);
    for (const name of ['faas.coldstarts', 'faas.init_duration', 'faas.invocations'])
      t.true(collector.metrics.includes(name), name);

    const said = log.find(({ msg }) => msg === 'took it');
    t.like(said, {
      service: 'shop-cart',
      revision: 'shop-cart-00003',
      trace_id: traceId,
      span_id: invocation?.spanId ?? '',
    });
  });
}

test('what the OTEL variables say of the resource goes before Knative', async (t) => {
  const collector = await startCollector(t, 'http/protobuf');
  await runOnce(t, {
    OTEL_EXPORTER_OTLP_ENDPOINT: collector.url,
    OTEL_SERVICE_NAME: 'mine',
    OTEL_RESOURCE_ATTRIBUTES: 'faas.version=7',
  });
  t.like(collector.resources[0], {
    'service.name': 'mine',
    'faas.name': 'shop-cart',
    'faas.version': '7',
  });
});

test('a function without OTEL variables loads nothing of telemetry, and logs its trace all the same', async (t) => {
  const { code, log, modules, reply } = await runOnce(t, {});
  t.is(code, 0);
  t.deepEqual(
    modules.filter((url) => /@opentelemetry|create-telemetry|function-telemetry/.test(url)),
    [],
  );
  t.is(reply, caller);
  t.like(
    log.find(({ msg }) => msg === 'took it'),
    { service: 'shop-cart', trace_id: traceId, span_id: 'b7ad6b7169203331' },
  );
});

test('a function whose receiver is down ends with 0 all the same', async (t) => {
  const { code, log } = await runOnce(t, { OTEL_EXPORTER_OTLP_ENDPOINT: 'http://127.0.0.1:9' });
  t.is(code, 0);
  t.true(log.some(({ msg }) => msg === 'ready'));
});

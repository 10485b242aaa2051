import { createServer } from 'node:http';
import test from 'ava';
import { eventTypes } from '../../../../knative/events.ts';
import { freePort } from '../../../../functions/lib/free-port.ts';
import { webhookName } from '../../../../knative/catalogue.ts';
import { eventOf, listenOnLoopback, until } from '../helpers.ts';
import { examples } from '../../resources/examples.ts';
import { startCollector } from './collector.ts';
import { startControlPlane, type StartedControlPlane } from './control-plane.ts';

const events = 20;
/** Kinds of spans, by opentelemetry-proto. */
const [server, consumer] = [2, 5];
const isExport = /failed|Unauthorized|401/;

const sumOf = async ({ scrape }: StartedControlPlane, ...names: string[]): Promise<number> => {
  const families = await scrape();
  const samples = names.flatMap((name) => families.get(name)?.samples ?? []);
  return samples.reduce((sum, { value }) => sum + value, 0);
};

test('each request and each invocation is one span, and telling of it all makes no more', async (t) => {
  const collector = await startCollector(t, 'http/protobuf');
  const told: string[] = [];
  const receiver = createServer((request, response) => {
    told.push(String(request.headers['ce-id']));
    response.end();
  });
  const hook = `http://127.0.0.1:${await listenOnLoopback(receiver)}/`;
  t.teardown(() => {
    receiver.closeAllConnections();
    receiver.close();
  });
  const plane = await startControlPlane(
    t,
    { notifications: [{ url: hook }] },
    {
      OTEL_EXPORTER_OTLP_ENDPOINT: collector.url,
      // Many exports while it runs: if one of them made a span, there were spans of spans.
      OTEL_BSP_SCHEDULE_DELAY: '20',
      OTEL_METRIC_EXPORT_INTERVAL: '50',
      OTEL_METRIC_EXPORT_TIMEOUT: '50',
    },
  );
  for (let event = 0; event < events; event += 1) {
    t.is(await plane.publish(eventOf({ id: `n${event}`, type: eventTypes.notification })), 202);
  }
  t.is(await plane.apply('trafficpolicies', 'proxy', examples.TrafficPolicy), 201);
  const invocations = ['clover_faas_invocations_total', 'clover_faas_errors_total'];
  // The policy's event goes to two functions. There is no mesh for it, which is one notification more.
  await until(async () => {
    const enqueued = await sumOf(plane, 'clover_broker_enqueued_total');
    const settled = await sumOf(plane, 'clover_broker_settled_total');
    return told.length === events + 1 && enqueued > events && enqueued === settled;
  });
  const exportsBefore = collector.exports.length;
  await until(() => collector.exports.length > exportsBefore + 3);

  const delivered = await sumOf(plane, 'clover_broker_enqueued_total');
  t.is(await sumOf(plane, ...invocations), delivered, 'each delivery is one invocation');
  t.is(await sumOf(plane, 'clover_notify_raised_total'), 1, 'a notification raises none');
  t.is(await plane.end(), 0);
  const spansOf = (kind: number): number =>
    collector.spans.filter((span) => span.kind === kind).length;
  t.is(spansOf(consumer), delivered);
  t.is(spansOf(server), events + 1, 'scrapes and health make none');
  t.is(collector.spans.length, spansOf(consumer) + spansOf(server));
  t.is(told.length, events + 1);
});

test('a control plane that is told to send its telemetry to itself makes no telemetry of that', async (t) => {
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  const plane = await startControlPlane(
    t,
    { listen: { host: '127.0.0.1', port }, logLevel: 'warn' },
    {
      OTEL_EXPORTER_OTLP_ENDPOINT: url,
      // What is sent to the console as well can be counted.
      OTEL_TRACES_EXPORTER: 'otlp,console',
      OTEL_METRICS_EXPORTER: 'otlp',
      OTEL_BSP_SCHEDULE_DELAY: '20',
      OTEL_METRIC_EXPORT_INTERVAL: '50',
      OTEL_METRIC_EXPORT_TIMEOUT: '50',
    },
  );
  for (let event = 0; event < events; event += 1) {
    t.is(await plane.publish(eventOf({ id: `n${event}` })), 202);
  }
  const attempts = (): number =>
    plane
      .output()
      .split('\n')
      .filter((line) => line.includes('"component":"opentelemetry"') && isExport.test(line)).length;
  await until(() => attempts() > 5);
  t.is(await plane.end(), 0);
  t.is(plane.output().match(/traceId: '/g)?.length, events);
});

test('a webhook that leads back to the broker is refused, and ends as dead letters', async (t) => {
  const port = await freePort();
  const hook = `http://127.0.0.1:${port}/broker`;
  const plane = await startControlPlane(t, {
    listen: { host: '127.0.0.1', port },
    notifications: [{ url: hook }],
  });
  for (let event = 0; event < events; event += 1) {
    t.is(await plane.publish(eventOf({ id: `n${event}`, type: eventTypes.notification })), 202);
  }
  await until(async () => (await sumOf(plane, 'clover_broker_dead_letters')) === events);
  const families = await plane.scrape();
  const enqueued = families
    .get('clover_broker_enqueued_total')
    ?.samples.find(({ labels }) => labels['trigger'] === webhookName(hook));
  t.is(enqueued?.value, events);
  t.is(await sumOf(plane, 'clover_notify_raised_total'), 0);
});

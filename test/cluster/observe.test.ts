import anyTest from 'ava';
import { eventOf, until } from '../functions/host/helpers.ts';
import { brokerOf, functionOf } from './knative/samples.ts';
import { pathTo, sendFromShop } from './observe/shop.ts';
import type { ObserveTier } from './tiers/observe.ts';
import { whyLeftOut, withCluster } from './with-cluster.ts';

const why = await whyLeftOut('observe');
if (why !== undefined) process.stderr.write(`${why}\n`);
const test = why === undefined ? anyTest.serial : anyTest.serial.skip;
const started = Promise.withResolvers<ObserveTier>();
const ends: (() => unknown)[] = [];
const event = eventOf({ id: 'order 1', source: '/shop', type: 'com.example.hello.v1' });
const consumer = 5;

if (why === undefined) {
  anyTest.before('the cluster has a function that tells of itself, and a broker', async (t) => {
    t.timeout(600_000);
    const tier = await withCluster({ teardown: (end) => ends.push(end) }, 'observe');
    const image = (await tier.importClover(['hello'])).get('hello') ?? '';
    const list = {
      apiVersion: 'v1',
      kind: 'List',
      items: [
        functionOf('hello', image, { OTEL_EXPORTER_OTLP_ENDPOINT: tier.collector.http }),
        ...brokerOf('orders', 'hello', 'http://nobody.example/'),
      ],
    };
    await tier.kubectl(['apply', '--server-side', '-f', '-'], JSON.stringify(list));
    const all = ['ksvc/hello', 'broker/orders', 'trigger/orders'];
    await tier.kubectl(['wait', '--for=condition=Ready', '--timeout=120s', ...all]);
    started.resolve(tier);
  });
}
anyTest.after.always('the cluster is taken down', async () => {
  for (const end of ends.toReversed()) await end();
});

test('an event of a traced application is one trace through Knative to the function that takes it', async (t) => {
  const tier = await started.promise;
  const service = ['service/broker-ingress', '-n', 'knative-eventing'];
  const address = await tier.kubectl(['get', ...service, '-o', 'jsonpath={.spec.clusterIP}']);
  const url = `http://${address}/default/orders`;
  const { status, traceId } = await sendFromShop(tier.collector, { url, event });
  t.is(status, 202);
  let path: readonly string[] = [];
  // Each part sends what it has at its own time.
  await until(async () => {
    const spans = await tier.jaeger.trace(traceId);
    const invocation = spans.find(({ kind, scope }) => kind === consumer && scope === 'clover');
    path = invocation === undefined ? [] : pathTo(spans, invocation);
    return path.length > 0;
  });
  t.is(path[0], 'shop checkout');
  t.deepEqual(path.slice(-2), ['hello POST /', 'hello CloudEvents Process com.example.hello.v1']);
  const services = new Set(path.map((each) => each.split(' ', 1)[0]));
  for (const part of ['broker.ingress', 'broker.filter']) {
    t.true(services.has(part), path.join(', '));
  }
});

test('a function that goes to zero has told what it did', async (t) => {
  const { prometheus } = await started.promise;
  // An interval of a minute is longer than the function is there: what comes is what it sends at its end.
  const series = 'faas_invocations_total{job="hello",faas_trigger="http"}';
  let values: readonly number[] = [];
  await until(async () => {
    values = (await prometheus.query(series)).map(({ value }) => value);
    return values.length > 0;
  });
  t.deepEqual(values, [1]);
});

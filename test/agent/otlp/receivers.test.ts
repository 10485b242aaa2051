import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import anyTest from 'ava';
import { whyNoReceivers, withReceivers } from '../../cluster/with-receivers.ts';
import { decodeSpans } from '../../native/capture/otlp.ts';
import { eventually } from '../helpers/test-agent.ts';
import { openTestSinks, podOf } from './test-sinks.ts';
import { batchOf } from './traced.ts';

const why = await whyNoReceivers();
if (why !== undefined) process.stderr.write(`${why}\n`);
const test = why === undefined ? anyTest : anyTest.skip;

test('a real Jaeger gets the spans over HTTP, and through a real Collector over gRPC', async (t) => {
  const { collector, jaeger } = await withReceivers(t);
  const dir = await mkdtemp(join(tmpdir(), 'clover-sinks-'));
  t.teardown(() => rm(dir, { recursive: true, force: true }));
  const sinks = await openTestSinks(dir, {
    direct: { protocol: 'http', endpoint: jaeger.otlp },
    collector: { protocol: 'grpc', endpoint: collector.grpc },
  });
  t.teardown(() => sinks.stop(0));
  sinks.route([podOf('web', ['direct']), podOf('db', ['collector'])]);
  const batch = await batchOf({ web: 3, db: 2 });
  sinks.push(batch);
  for (const [name, count] of [
    ['direct', 3],
    ['collector', 2],
  ] as const) {
    await eventually(
      `${name} has accepted`,
      () => sinks.counters().byName[name]?.accepted.spans === count,
    );
  }
  for (const { traceId, spanId } of decodeSpans(batch.otlp)) {
    await eventually('the span is in Jaeger', async () =>
      (await jaeger.trace(traceId)).some((span) => span.spanId === spanId),
    );
  }
  t.pass();
});

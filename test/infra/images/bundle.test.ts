import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import { bundle } from '../../../infra/images/bundle.ts';
import { sources } from '../../../infra/images/main.ts';
import { until } from '../../functions/host/helpers.ts';
import { startCollector } from '../../functions/host/telemetry/collector.ts';
import { startEventServer } from '../../bench/lib/event-server.ts';

test.serial('every function becomes one file that runs, with a compile cache', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'clover-bundle-'));
  t.teardown(() => rm(folder, { recursive: true, force: true }));
  t.deepEqual(
    sources.map(({ name }) => name),
    ['hello', 'ingest'],
  );
  for (const source of sources) {
    // It is run once for its cache: one that does not start, or does not end with 0, is refused.
    const { args, env, bytes } = await bundle(source, join(folder, source.name));
    const made = await readdir(join(folder, source.name), { recursive: true });
    t.true(made.includes(`${source.name}.code`), source.name);
    t.true(
      made.some((file) => file.startsWith(join('cache', 'v'))),
      source.name,
    );
    if (source.name !== 'hello') continue;
    // Libraries that it does not use would be read at every cold start.
    t.true(bytes < 256 * 1_024, `${bytes} bytes`);
    const server = await startEventServer({ name: source.name, args, env });
    await server.stop();
    for (const protocol of ['http/protobuf', 'grpc'] as const) {
      const collector = await startCollector(t, protocol);
      const traced = await startEventServer({
        name: source.name,
        args,
        env: {
          ...env,
          OTEL_EXPORTER_OTLP_ENDPOINT: collector.url,
          OTEL_EXPORTER_OTLP_PROTOCOL: protocol,
          OTEL_BSP_SCHEDULE_DELAY: '50',
        },
      });
      await until(() =>
        collector.spans.some(({ name }) => name === 'CloudEvents Process com.example.hello.v1'),
      );
      await traced.stop();
    }
  }
});

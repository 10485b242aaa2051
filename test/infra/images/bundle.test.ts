import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import test, { type ExecutionContext } from 'ava';
import { bundle, type Bundle } from '../../../infra/images/bundle.ts';
import { hello, sources } from '../../../infra/images/main.ts';
import { catalogue } from '../../../knative/catalogue.ts';
import { temporaryFolder, until } from '../../functions/host/helpers.ts';
import { startCollector } from '../../functions/host/telemetry/collector.ts';
import { startEventServer } from '../../bench/lib/event-server.ts';

test.serial('every function becomes one file that runs, with V8 code of it', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'clover-bundle-'));
  t.teardown(() => rm(folder, { recursive: true, force: true }));
  t.deepEqual(
    sources.map(({ name }) => name),
    ['hello', ...catalogue.map(({ name }) => name)],
  );
  for (const source of sources) {
    // It is run once for its cache: one that does not start, or does not end with 0, is refused.
    const { file, args, env, bytes, inputs } = await bundle(source, join(folder, source.name));
    t.false(
      inputs.some((path) => path.includes('@kubernetes/client-node')),
      'that takes half a second and 90 MiB',
    );
    const code = await readFile(file, 'latin1');
    t.false(code.includes('fromJSONSchema'), `${source.name} has what it does not use of zod`);
    const made = await readdir(join(folder, source.name), { recursive: true });
    t.true(made.includes(`${source.name}.code`), source.name);
    t.true(made.includes('telemetry.code'), source.name);
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

test.serial('the same sources give the same bytes in any folder, V8 code too', async (t) => {
  const folder = await temporaryFolder(t);
  const [one, other] = [join(folder, 'one'), join(folder, 'a-longer-name', 'other')];
  await bundle(hello, one);
  await bundle(hello, other);
  const files = await readdir(one);
  t.deepEqual(files, await readdir(other));
  t.true(files.includes('telemetry.code'));
  for (const file of files) {
    t.true((await readFile(join(one, file))).equals(await readFile(join(other, file))), file);
  }
});

test.serial('an event that the function does not take is no way to bake it', async (t) => {
  const event = { type: 'com.example.unknown.v1', data: '' };
  await t.throwsAsync(bundle({ ...hello, event }, join(await temporaryFolder(t), 'hello')), {
    message: /hello\.cjs does not take com\.example\.unknown\.v1: it answered 400/,
  });
});

test.serial(
  'a bundle starts with V8 code, without it, and with code that V8 refuses',
  async (t) => {
    const made = await bundle(hello, join(await temporaryFolder(t), 'hello'));
    t.is(await startAndStop(t, made, made.args), '');
    t.regex(
      await startAndStop(t, made, ['--no-opt', ...made.args]),
      /hello\.code is of another V8/,
    );
    await rm(made.file.replace(/cjs$/, 'code'));
    t.is(await startAndStop(t, made, made.args), '');
  },
);

/** @returns what it wrote to its standard error. */
async function startAndStop(
  t: ExecutionContext,
  { env }: Bundle,
  args: readonly string[],
): Promise<string> {
  const child = spawn(process.execPath, args, {
    env: { ...process.env, ...env, PORT: '0' },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const said = text(child.stderr);
  const chunks: AsyncIterable<unknown, unknown, unknown> = child.stdout;
  for await (const line of chunks) {
    if (String(line).includes('"ready"')) child.kill('SIGTERM');
  }
  if (child.exitCode === null) await once(child, 'exit');
  t.is(child.exitCode, 0);
  return said;
}

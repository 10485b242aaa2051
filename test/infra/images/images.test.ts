import { once } from 'node:events';
import { mkdir, readFile, readdir, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { Spec, Validation } from '@cyclonedx/cyclonedx-library';
import test, { type ExecutionContext } from 'ava';
import { z } from 'zod';
import { freePort } from '../../../functions/lib/free-port.ts';
import { eventData, eventHeaders } from '../../bench/lib/event-server.ts';
import { temporaryFolder, until } from '../../functions/host/helpers.ts';
import { readStages } from './dockerfile.ts';
import { makeImages, startImage, unpack, type Unpacked } from './run-image.ts';

const architecture = process.arch === 'x64' ? 'amd64' : process.arch;

const bill = z.object({
  metadata: z.object({ component: z.object({ version: z.string() }) }),
  components: z.array(z.object({ name: z.string(), version: z.string(), purl: z.string() })),
});

test.serial(
  'an image of a function is the same twice, and answers out of a read-only root',
  async (t) => {
    const folder = await temporaryFolder(t);
    const said = await makeImages('hello', '--out', folder, '--registry', 'localhost:5000/clover');
    await makeImages(
      'hello',
      '--out',
      join(folder, 'again'),
      '--registry',
      'localhost:5000/clover',
    );
    const name = `clover-hello-${architecture}`;
    const archive = join(folder, `${name}.tar`);
    t.true((await readFile(archive)).equals(await readFile(join(folder, `again/${name}.tar`))));

    const root = join(folder, 'root');
    const image = await unpack(archive, root);
    t.true(said.includes(image.descriptor.digest));
    t.deepEqual(image.names, ['localhost:5000/clover/clover-hello:0.1.0']);
    t.deepEqual(image.descriptor.platform, { architecture, os: 'linux' });
    t.deepEqual(image.owners, [[0, 0, '', '', 0]]);
    await sameInDockerfile(t, 'hello', image);
    t.is((await stat(join(root, 'tmp'))).mode & 0o7777, 0o1777);

    const port = await freePort();
    const child = startImage(root, image.config, { PORT: String(port) });
    const [out, error] = [text(child.stdout), text(child.stderr)];
    t.teardown(() => child.kill('SIGKILL'));
    const url = `http://127.0.0.1:${port}`;
    await until(() => child.exitCode !== null || reachable(`${url}/health/ready`));
    t.is(child.exitCode, null);
    const status = await readFile(`/proc/${String(child.pid)}/status`, 'utf8');
    t.regex(status, /^Uid:\t65532\t65532\t65532\t65532$/m);
    t.regex(status, /^CapEff:\t0+$/m);
    const answer = await fetch(url, { method: 'POST', headers: eventHeaders, body: eventData });
    t.true(answer.ok);
    child.kill('SIGTERM');
    if (child.exitCode === null) await once(child, 'exit');
    t.is(child.exitCode, 0);
    t.regex(await out, /"msg":"drained"/);
    // V8 says nothing of refused code.
    t.is(await error, '');

    await checkBill(t, join(folder, `${name}.cdx.json`), image.descriptor.digest);
  },
);

test.serial('the image of the agent captures with what is in it alone', async (t) => {
  const folder = await temporaryFolder(t);
  await makeImages('agent', '--out', folder);
  const root = join(folder, 'root');
  const image = await unpack(join(folder, `clover-agent-${architecture}.tar`), root);
  await sameInDockerfile(t, 'agent', image);
  const files = join(folder, 'files');
  await makeImages('agent', '--root', files);
  const relative = await readdir(root, { recursive: true });
  t.deepEqual((await readdir(files, { recursive: true })).toSorted(), relative.toSorted());

  const port = await freePort();
  await writeFile(
    join(root, 'agent.json'),
    JSON.stringify({
      node: { uid: 'n1', name: 'n1' },
      podsFile: '/pods.json',
      controlPlane: { url: `http://127.0.0.1:${await freePort()}`, token: 'x' },
      listen: { port },
      spool: { dir: '/tmp/spool' },
    }),
  );
  await writeFile(join(root, 'pods.json'), '{"pods":[]}');
  const child = startImage(root, image.config, {}, '--config', '/agent.json');
  const [out, error] = [text(child.stdout), text(child.stderr)];
  t.teardown(() => child.kill('SIGKILL'));
  await until(() => child.exitCode !== null || reachable(`http://127.0.0.1:${port}/health/live`));
  child.kill('SIGTERM');
  if (child.exitCode === null) await once(child, 'exit');
  t.is(child.exitCode, 0, await out);
  t.is(await error, '');
  const names = await checkBill(
    t,
    join(folder, `clover-agent-${architecture}.cdx.json`),
    image.descriptor.digest,
  );
  for (const name of ['libbpf1', 'libelf1', 'pino', 'zlib1g']) t.true(names.includes(name), name);
});

test.serial('the image of the control plane runs with its broker in a thread', async (t) => {
  const folder = await temporaryFolder(t);
  await makeImages('control-plane', '--out', folder);
  const root = join(folder, 'root');
  const image = await unpack(join(folder, `clover-control-plane-${architecture}.tar`), root);
  await sameInDockerfile(t, 'control-plane', image);

  const port = await freePort();
  await mkdir(join(root, 'data'));
  await writeFile(join(root, 'token'), 'a-token-for-the-tests\n');
  await writeFile(
    join(root, 'host.json'),
    JSON.stringify({
      dataDir: '/data/clover',
      token: { file: '/token' },
      listen: { port },
      clickhouse: { url: 'http://127.0.0.1:9', username: 'u', password: 'p', database: 'clover' },
    }),
  );
  const child = startImage(root, image.config, {}, '--config', '/host.json');
  const [out, error] = [text(child.stdout), text(child.stderr)];
  t.teardown(() => child.kill('SIGKILL'));
  const url = `http://127.0.0.1:${port}`;
  await until(() => child.exitCode !== null || reachable(`${url}/health/ready`));
  const headers = { authorization: 'Bearer a-token-for-the-tests' };
  const event = {
    ...headers,
    'ce-specversion': '1.0',
    'ce-id': '1',
    'ce-source': '/test',
    'ce-type': 'com.example.nobody',
  };
  const taken = await fetch(`${url}/broker`, { method: 'POST', headers: event });
  t.is(taken.status, 202, await taken.text());
  t.is((await fetch(`${url}/apis/clover.dev/v1alpha1/taps`, { headers })).status, 200);
  child.kill('SIGTERM');
  if (child.exitCode === null) await once(child, 'exit');
  t.is(child.exitCode, 0, await out);
  t.is(await error, '');
  const file = join(folder, `clover-control-plane-${architecture}.cdx.json`);
  const names = await checkBill(t, file, image.descriptor.digest);
  t.false(names.includes('@kubernetes/client-node'));
});

test('what cannot be made is refused with what there is', async (t) => {
  for (const [args, message] of [
    [
      ['nonesuch'],
      /there is no image nonesuch[^]*names: hello, api, evaluate, ingest, notify, policy, /,
    ],
    [['--arch', 'riscv64'], /--arch: found riscv64/],
    [['--registry', 'Host/Path'], /--registry: found Host\/Path/],
    [['--root', '/nowhere'], /--root takes one name/],
    [['--nonesuch'], /--nonesuch/],
  ] as const) {
    await t.throwsAsync(makeImages(...args), { code: 2, message });
  }
  // Another architecture needs addons of its own: never this machine's.
  const other = architecture === 'amd64' ? 'arm64' : 'amd64';
  for (const [name, file] of [
    ['ingest', 'codec/build/Release/clover_codec.node'],
    ['agent', 'capture/build/Release/capture.node'],
  ] as const) {
    await t.throwsAsync(makeImages(name, '--arch', other), {
      code: 1,
      message: new RegExp(`${name} wants .cache/images/${other}/native/${file}`),
    });
  }
});

/** Holds the Dockerfile, which says again how a program is run, against an image. */
async function sameInDockerfile(t: ExecutionContext, name: string, image: Unpacked): Promise<void> {
  const { from: _, runs: __, ...said } = (await readStages())(name);
  t.deepEqual<unknown, unknown>(image.config.config, said);
}

/** Holds a bill against the official schema; @returns the names of what is in the image. */
async function checkBill(t: ExecutionContext, file: string, digest: string): Promise<string[]> {
  const json = await readFile(file, 'utf8');
  t.is(await new Validation.JsonStrictValidator(Spec.Version.v1dot6).validate(json), null);
  const { metadata, components } = bill.parse(JSON.parse(json));
  t.is(metadata.component.version, digest);
  const names = components.map(({ name }) => name);
  for (const name of ['libc6', 'libgcc-s1', 'libstdc++6', 'node'])
    t.true(names.includes(name), name);
  return names;
}

async function reachable(url: string): Promise<boolean> {
  try {
    return (await fetch(url)).ok;
  } catch {
    return false;
  }
}

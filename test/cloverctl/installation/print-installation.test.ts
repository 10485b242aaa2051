import { readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import test from 'ava';
import { parse, parseAllDocuments } from 'yaml';
import { z } from 'zod';
import { temporaryFolder } from '../../functions/host/helpers.ts';
import { runCli, type CliResult } from '../run-cli.ts';

const object = z.looseObject({
  kind: z.string(),
  metadata: z.looseObject({ name: z.string(), namespace: z.string().optional() }),
});
const kustomization = z.object({
  kind: z.literal('Kustomization'),
  resources: z.array(z.string()),
});

// Where no cluster can be asked, none is.
const print = async (...args: readonly string[]): Promise<CliResult> =>
  runCli(
    [
      'install',
      '--print',
      '--set=clickhouse.url=http://clickhouse.example:8123',
      '--set=clickhouse.passwordSecret={name: clickhouse, key: password}',
      ...args,
    ],
    { variables: { KUBECONFIG: '/nowhere' } },
  );

test('an installation is printed without a cluster, in the namespace that is asked for', async (t) => {
  const { code, stdout, stderr } = await print('--namespace', 'traffic');
  t.is(code, 0, stderr);
  const objects = parseAllDocuments(stdout).map((each) => object.parse(each.toJS()));
  t.true(objects.some(({ kind }) => kind === 'Deployment'));
  t.is(objects.find(({ kind }) => kind === 'Namespace')?.metadata.name, 'traffic');
  const namespaces = new Set(objects.flatMap(({ metadata }) => metadata.namespace ?? []));
  t.deepEqual([...namespaces], ['traffic']);
  const inventory = objects.find(({ metadata }) => metadata.name === 'clover-installation');
  t.is(inventory, objects[1], 'behind the namespace');
  const { data } = z.object({ data: z.record(z.string(), z.string()) }).parse(inventory);
  t.like(JSON.parse(data['settings'] ?? ''), {
    knative: false,
    controlPlane: { istio: false, persistent: true },
    clickhouse: { url: 'http://clickhouse.example:8123' },
  });
  t.is(z.array(z.unknown()).parse(JSON.parse(data['objects'] ?? '')).length, objects.length - 1);
});

test('what an install would find is warned of, as no cluster is asked', async (t) => {
  const { code, stdout, stderr } = await print();
  t.is(code, 0);
  t.deepEqual(
    stderr.match(/^warning: \S+ is not said, and no cluster is asked: it is (true|false), /gm),
    ['knative', 'controlPlane.istio', 'controlPlane.persistent'].map(
      (name) =>
        `warning: ${name} is not said, and no cluster is asked: it is ${name.endsWith('persistent')}, `,
    ),
  );
  t.false(stdout.includes('warning'));
});

test('in a folder each object is a file that its owner alone reads, and kustomize finds all of them', async (t) => {
  const folder = join(await temporaryFolder(t), 'out');
  const { code, stdout, stderr } = await print('--output-dir', folder);
  t.is(code, 0, stderr);
  t.regex(
    stdout,
    /^\d+ objects are in .*out: kubectl apply --server-side --field-manager=cloverctl -k .*out\n$/,
  );
  const files = (await readdir(folder)).filter((name) => name !== 'kustomization.yaml');
  const { resources } = kustomization.parse(
    parse(await readFile(join(folder, 'kustomization.yaml'), 'utf8')),
  );
  t.deepEqual(resources.toSorted(), files.toSorted());
  for (const name of files) {
    const { kind, metadata } = object.parse(parse(await readFile(join(folder, name), 'utf8')));
    t.true(name.endsWith(`${kind.toLowerCase()}-${metadata.name}.yaml`), name);
    t.is((await stat(join(folder, name))).mode & 0o777, 0o600, name);
  }
});

test('nothing is written over files that are there, or where no folder can be', async (t) => {
  const folder = await temporaryFolder(t);
  const file = join(folder, 'notes');
  await writeFile(file, 'mine');
  const taken = await print('--output-dir', folder);
  t.is(taken.code, 2);
  t.regex(taken.stderr, /--output-dir: found files in .*; must be a new or empty folder/);
  const blocked = await print('--output-dir', join(file, 'out'));
  t.is(blocked.code, 2);
  t.regex(blocked.stderr, /--output-dir: cannot write to .*notes\/out/);
  t.deepEqual(await readdir(folder), ['notes']);
});

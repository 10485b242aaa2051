import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { stringify } from 'yaml';
import { temporaryFolder } from '../../functions/host/helpers.ts';
import { startApi, type ApiServer } from '../../functions/api/server.ts';
import { examples } from '../../functions/resources/examples.ts';
import { runCli, type CliResult } from '../run-cli.ts';

interface Bench {
  readonly api: ApiServer;
  readonly cli: (args: string, stdin?: string) => Promise<CliResult>;
  readonly names: () => Promise<readonly string[]>;
}

async function start(t: ExecutionContext): Promise<Bench> {
  const api = await startApi(t);
  const variables = { CLOVER_SERVER: api.url, CLOVER_TOKEN: api.token };
  return {
    api,
    cli: (args, stdin = '') => runCli(args.split(' '), { variables, stdin }),
    names: async () =>
      (await api.store.list('Tap')).items.map(
        ({ metadata }) => `${metadata.namespace}/${metadata.name}`,
      ),
  };
}

const tap = (
  name: string,
  labels: Readonly<Record<string, string>> = { set: 'x' },
  more = {},
): object => ({
  ...examples.Tap,
  metadata: { name, namespace: 'shop', labels, ...more },
});

const set = (...documents: readonly unknown[]): string =>
  documents.map((document) => stringify(document)).join('---\n');

test('prune deletes what an earlier apply of the set made and the set names no more', async (t) => {
  const { api, cli, names } = await start(t);
  await cli(
    'apply -f -',
    set(
      tap('kept'),
      tap('old'),
      tap('else', { set: 'y' }),
      tap('far', { set: 'x' }, { namespace: 'blog' }),
    ),
  );
  await api.store.applySpec(
    {
      kind: 'Tap',
      metadata: { name: 'by-hand', namespace: 'shop', labels: { set: 'x' } },
      spec: {},
    },
    { manager: 'test' },
  );
  const wanted = set(tap('kept'), tap('new'));
  const dry = await cli('apply --prune -l set=x --dry-run -f -', wanted);
  t.is(
    dry.stdout,
    'tap.clover.dev/kept unchanged (dry run)\ntap.clover.dev/new created (dry run)\ntap.clover.dev/old pruned (dry run)\n',
    dry.stderr,
  );
  t.is((await names()).length, 5);
  const pruned = await cli('apply --prune -l set=x -f -', wanted);
  t.is(pruned.code, 0, pruned.stderr);
  t.true(pruned.stdout.endsWith('tap.clover.dev/old pruned\n'));
  t.is(
    pruned.stderr,
    'warning: tap.clover.dev/far stays in namespace blog, of which there is no document: -A prunes it, too\n',
  );
  t.deepEqual(
    await names(),
    ['blog/far', 'shop/by-hand', 'shop/else', 'shop/kept', 'shop/new'],
    'other sets, other namespaces and what others made stay',
  );
  const json = await cli('apply --prune -l set=x --json -f -', set(tap('kept')));
  t.like(JSON.parse(json.stdout), { pruned: { 0: { metadata: { name: 'new' } }, length: 1 } });
  const all = await cli('apply --prune -A -l set=x -f -', set(tap('kept')));
  t.is(all.stdout, 'tap.clover.dev/kept unchanged\ntap.clover.dev/far pruned\n', all.stderr);
  t.deepEqual(await names(), ['shop/by-hand', 'shop/else', 'shop/kept']);
  t.regex((await cli('apply -A -f -', set(tap('kept')))).stderr, /-A goes with --prune/);
});

test('nothing is pruned without a selector, from an empty set, or after a failure', async (t) => {
  const { cli, names } = await start(t);
  await cli('apply -f -', set(tap('old')));
  for (const [args, documents, code, said] of [
    ['', set(tap('a')), 2, /--prune needs -l with a label/],
    [' -l !x', set(tap('a')), 2, /--prune needs -l with a label/],
    [' -l x!=y', set(tap('a')), 2, /--prune needs -l with a label/],
    [' --dry-run=client -l set=x', set(tap('a')), 2, /--dry-run=server/],
    [' -l set=x', '', 2, /error: stdin holds no document\n/],
    [
      ' -l set=x',
      set(tap('a', { set: 'y' })),
      2,
      /no document has the labels of -l "set=x": nothing was done/,
    ],
    [
      ' -l set=x',
      set({ ...tap('a'), spec: { ports: [0] } }, tap('b')),
      4,
      /warning: nothing is pruned/,
    ],
  ] as const) {
    const result = await cli(`apply --prune${args} -f -`, documents);
    t.is(result.code, code, result.stderr);
    t.regex(result.stderr, said);
  }
  t.deepEqual(
    await names(),
    ['shop/b', 'shop/old'],
    'the good document of the last set is applied',
  );
});

test('a document whose labels the selector leaves out is named, not applied, and not pruned', async (t) => {
  const { cli, names } = await start(t);
  await cli('apply -f -', set(tap('moved'), tap('a')));
  const result = await cli(
    'apply --prune -l set=x -f -',
    set(tap('a'), tap('moved', { set: 'y' })),
  );
  t.is(result.stdout, 'tap.clover.dev/a unchanged\n');
  t.regex(
    result.stderr,
    /^warning: stdin document 2: Tap moved is left out: its labels do not fit -l "set=x"\n$/,
  );
  t.deepEqual(await names(), ['shop/a', 'shop/moved']);
});

test('-R takes folders in folders, and -n refuses documents of another namespace', async (t) => {
  const { cli, names } = await start(t);
  const folder = await temporaryFolder(t);
  await mkdir(join(folder, 'b', 'c'), { recursive: true });
  await writeFile(join(folder, 'b', 'c', 'deep.yml'), set(tap('deep')));
  await writeFile(join(folder, 'a.yaml'), set({ ...tap('first'), metadata: { name: 'first' } }));
  const other = await cli(`apply -R -n blog -f ${folder}`);
  t.is(other.code, 2);
  t.regex(other.stderr, /c\/deep\.yml: Tap deep is of namespace shop, and -n says blog/);
  t.is((await cli(`apply -n shop -f ${folder}`)).stdout, 'tap.clover.dev/first created\n');
  const all = await cli(`apply -R -n shop -f ${folder}`);
  t.is(all.stdout, 'tap.clover.dev/first unchanged\ntap.clover.dev/deep created\n', all.stderr);
  t.deepEqual(await names(), ['shop/deep', 'shop/first']);
});

test('--dry-run=client checks by the schema and needs no control plane', async (t) => {
  const bad = { ...tap('bad'), spec: { ports: [0] } };
  const run = {
    apiVersion: 'clover.dev/v1alpha1',
    kind: 'ExperimentRun',
    metadata: { name: 'r', namespace: 'shop', uid: 'u', resourceVersion: '1' },
    spec: {},
    status: {},
  };
  const read = tap('read', {}, { uid: 'u', resourceVersion: '7', generation: 1 });
  const result = await runCli(['apply', '--dry-run=client', '-f', '-'], {
    stdin: set({ ...read, status: {} }, bad, run, examples.Experiment),
  });
  t.is(result.code, 4);
  t.is(
    result.stdout,
    'tap.clover.dev/read valid (client dry run)\nexperiment.clover.dev/try-v2 valid (client dry run)\n',
  );
  t.regex(result.stderr, /stdin document 2: Tap .*bad.* is invalid: spec\.ports\[0\]: found 0/);
  t.regex(result.stderr, /stdin document 3: ExperimentRun r is of a kind that Clover writes alone/);
});

test('apply and diff of many stop at what every one of them would hear, and say how many were not sent', async (t) => {
  const { api, cli } = await start(t);
  const three = set(tap('a'), tap('b'), tap('c'));
  for (const verb of ['apply', 'diff']) {
    const { code, stderr } = await cli(`${verb} -f - --token wrong`, three);
    t.not(code, 0);
    t.is(stderr.match(/does not take this token/g)?.length, 1, stderr);
    t.regex(
      stderr,
      /^error: stdin document 1: .*--token or CLOVER_TOKEN.*\n2 documents behind it were not sent\n$/,
    );
  }
  await api.stop();
  const away = await cli('apply -f - --json', three);
  t.is(away.code, 5);
  t.like(JSON.parse(away.stdout), { items: [], errors: { length: 1 } });
});

test('apply without -f says what to write', async (t) => {
  const none = await runCli(['apply']);
  t.is(none.code, 2);
  t.regex(none.stderr, /which documents\? .*"cloverctl apply -f policy\.yaml"/);
  const bare = await runCli(['apply', 'policy.yaml']);
  t.is(bare.code, 2);
  t.regex(
    bare.stderr,
    /found "policy\.yaml" without an option; write "cloverctl apply -f policy\.yaml"/,
  );
  const levels = ['a', 'b', 'c', 'd', 'e', 'f', 'g'];
  const bomb = levels.map((key, index) => {
    const before = index === 0 ? 'x' : `*${levels[index - 1] ?? ''}`;
    return `${key}: &${key} [${Array<string>(9).fill(before).join(', ')}]\n`;
  });
  const aliases = await runCli(['apply', '--dry-run=client', '-f', '-'], { stdin: bomb.join('') });
  t.is(aliases.code, 4);
  t.regex(aliases.stderr, /stdin is not YAML: Excessive alias count/);
  for (const stdin of ['a: [', 'a: 1']) {
    const broken = await runCli(['apply', '--dry-run=client', '-f', '-'], { stdin });
    t.is(broken.code, 4, 'what is no YAML and what is no resource are alike');
  }
});

test('what is not UTF-8 is refused with file and byte, and not stored in another form', async (t) => {
  const { cli, names } = await start(t);
  const path = join(await temporaryFolder(t), 'a.yaml');
  const latin1 = Buffer.from(
    set(tap('kept', { set: 'x' }, { annotations: { by: 'Jörg' } })),
    'latin1',
  );
  await writeFile(path, latin1);
  const at = latin1.indexOf(0xf6);
  for (const args of [`apply -f ${path}`, `diff -f ${path}`, `apply --dry-run=client -f ${path}`]) {
    const { code, stderr } = await cli(args);
    t.is(code, 4, args);
    t.true(stderr.startsWith(`error: ${path} is not UTF-8 from byte ${at} on`), stderr);
  }
  t.deepEqual(await names(), []);
});

test('what a prune leaves in another namespace is one warning, however much it is', async (t) => {
  const { cli } = await start(t);
  const far = ['a', 'b', 'c', 'd', 'e'].map((name) =>
    tap(name, { set: 'x' }, { namespace: 'blog' }),
  );
  await cli('apply -f -', set(...far));
  const { code, stderr } = await cli('apply --prune -l set=x -f -', set(tap('kept')));
  t.is(code, 0);
  t.is(
    stderr,
    'warning: tap.clover.dev/a, tap.clover.dev/b, tap.clover.dev/c and 2 more stay in namespace blog, of which there is no document: -A prunes them, too\n',
  );
});

test('a namespace of null is none, as for the control plane', async (t) => {
  const { cli, names } = await start(t);
  const document = set(tap('web', {}, { namespace: null }));
  for (const args of ['apply -f -', 'apply -n blog -f -']) {
    const { code, stderr } = await cli(args, document);
    t.is(code, 0, stderr);
  }
  t.deepEqual(await names(), ['blog/web', 'default/web']);
});

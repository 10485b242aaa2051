import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import type { AnyResource } from '../../../knative/resources/kinds.ts';
import { temporaryFolder } from '../../functions/host/helpers.ts';
import { startApi, type ApiServer } from '../../functions/api/server.ts';
import { examples } from '../../functions/resources/examples.ts';
import { runCli, type CliResult } from '../run-cli.ts';

interface Bench {
  readonly api: ApiServer;
  readonly cli: (args: string, stdin?: string) => Promise<CliResult>;
  readonly tap: (
    name: string,
    more?: object,
    finalizers?: readonly string[],
  ) => Promise<AnyResource>;
  readonly names: () => Promise<readonly string[]>;
}

async function start(t: ExecutionContext): Promise<Bench> {
  const api = await startApi(t);
  const variables = { CLOVER_SERVER: api.url, CLOVER_TOKEN: api.token };
  return {
    api,
    cli: (args, stdin = '') => runCli(args.split(' '), { variables, stdin }),
    tap: async (name, more = {}, finalizers = []) => {
      const metadata = { name, namespace: 'shop', ...more };
      const tap = await api.store.applySpec(
        { kind: 'Tap', metadata, spec: {} },
        { manager: 'test' },
      );
      return api.store.patchStatus(tap, tap.status, finalizers);
    },
    names: async () => (await api.store.list('Tap')).items.map(({ metadata }) => metadata.name),
  };
}

test('several objects are deleted by KIND NAMES or by KIND/NAME, also of several kinds', async (t) => {
  const { api, cli, tap, names } = await start(t);
  for (const name of ['a', 'b', 'c']) await tap(name);
  await api.store.applySpec(examples.TrafficPolicy, { manager: 'test' });
  const two = await cli('delete tap a b -n shop');
  t.is(two.stdout, 'tap.clover.dev/a deleted\ntap.clover.dev/b deleted\n', two.stderr);
  const slashed = await cli('delete tap.clover.dev/c tp/proxy -n shop');
  t.is(slashed.stdout, 'tap.clover.dev/c deleted\ntrafficpolicy.clover.dev/proxy deleted\n');
  t.deepEqual(await names(), []);
});

test('a selector deletes what it fits in one namespace, and --all the rest', async (t) => {
  const { cli, tap, names } = await start(t);
  await tap('a', { labels: { app: 'web' } });
  await tap('b', { labels: { app: 'web' }, namespace: 'other' });
  await tap('c');
  const nothing = await cli('delete taps -l app=db -n shop');
  t.deepEqual(nothing, {
    code: 0,
    stdout: '',
    stderr: 'no taps of these labels in namespace shop\n',
  });
  t.is((await cli('delete taps -l app=web -n shop')).stdout, 'tap.clover.dev/a deleted\n');
  t.deepEqual(await names(), ['b', 'c']);
  t.is((await cli('delete taps --all -A')).stdout.match(/ deleted\n/g)?.length, 2);
  t.deepEqual(await names(), []);
});

test('of kinds that Clover writes alone nothing is deleted, and it is said why', async (t) => {
  const { cli, tap, names } = await start(t);
  await tap('a');
  const run = JSON.stringify({
    apiVersion: 'clover.dev/v1alpha1',
    kind: 'ExperimentRun',
    metadata: { name: 'r1' },
  });
  for (const [words, shown, stdin] of [
    ['run r1', 'experimentrun/r1'],
    ['tap/a run/r1 -n shop', 'experimentrun/r1'],
    ['run --all', 'experimentrun'],
    ['-f -', 'experimentrun/r1', run],
  ] as const) {
    const message = `ExperimentRun is a kind that Clover writes alone; see "cloverctl describe ${shown}"`;
    t.deepEqual(await cli(`delete ${words}`, stdin), {
      code: 2,
      stdout: '',
      stderr: `error: ${message}\n`,
    });
  }
  t.deepEqual(await names(), ['a']);
});

test('what is not there is told in the words of get', async (t) => {
  const { cli } = await start(t);
  const got = await cli('get tap none');
  t.is(got.stderr, 'error: Tap default/none does not exist\n');
  t.deepEqual(await cli('delete tap none'), got);
});

test('a dry run deletes nothing, and takes no name for its mode', async (t) => {
  const { cli, tap, names } = await start(t);
  await tap('a');
  const dry = await cli('delete --dry-run tap a -n shop');
  t.is(dry.stdout, 'tap.clover.dev/a deleted (dry run)\n', dry.stderr);
  t.is((await cli('delete tap a -n shop --dry-run=server')).stdout, dry.stdout);
  t.is((await cli('delete tap b -n shop --dry-run')).code, 3);
  const typo = await cli('delete tap a --dry-run=srever');
  t.is(typo.code, 2);
  t.regex(typo.stderr, /Allowed choices are server, none/);
  t.deepEqual(await names(), ['a']);
});

test('what is not there is an error, unless it may be missing', async (t) => {
  const { cli, tap } = await start(t);
  await tap('a');
  t.is((await cli('delete tap none')).code, 3);
  const result = await cli('delete tap none a -n shop --ignore-not-found');
  t.deepEqual(result, { code: 0, stdout: 'tap.clover.dev/a deleted\n', stderr: '' });
});

test('delete waits until finalizers have let go, as long as it may', async (t) => {
  const { api, cli, tap } = await start(t);
  await tap('a', {}, ['clover.dev/hold']);
  const short = await cli('delete tap a -n shop --timeout 200ms');
  t.is(short.code, 1);
  t.is(short.stdout, 'tap.clover.dev/a is being deleted, waits for clover.dev/hold\n');
  t.regex(short.stderr, /Tap shop\/a is not gone yet, waits for clover\.dev\/hold: .*--timeout/);
  t.is((await cli('delete tap a -n shop --wait=false')).stdout, short.stdout);
  const waiting = runCli(['delete', 'tap', 'a', '-n', 'shop'], {
    variables: { CLOVER_SERVER: api.url, CLOVER_TOKEN: api.token },
    until: (stdout) => {
      if (stdout.includes('waits for')) void letGo(api);
      return false;
    },
  });
  const { code, stdout, stderr } = await waiting;
  t.is(code, 0, stderr);
  t.is(stdout, `${short.stdout}tap.clover.dev/a deleted\n`);
});

async function letGo({ store }: ApiServer): Promise<void> {
  const object = await store.get('Tap', 'shop', 'a');
  if (object !== undefined) await store.patchStatus(object, object.status, []);
}

test('-f takes folders with -R, and keeps to -n and -l', async (t) => {
  const { cli, tap, names } = await start(t);
  for (const name of ['web', 'deep']) await tap(name, { labels: { app: name } });
  const folder = await temporaryFolder(t);
  await mkdir(join(folder, 'more'));
  await writeFile(join(folder, 'web.json'), JSON.stringify(examples.Tap));
  const deep = {
    ...examples.Tap,
    metadata: { ...examples.Tap.metadata, name: 'deep', labels: { app: 'deep' } },
  };
  await writeFile(join(folder, 'more', 'deep.yml'), JSON.stringify(deep));
  const other = await cli(`delete -f ${folder} -n blog`);
  t.is(other.code, 2);
  t.regex(other.stderr, /Tap web is of namespace shop, and -n says blog: .*write -n shop/);
  const one = await cli(`delete -R -f ${folder} -l app=deep`);
  t.is(one.stdout, 'tap.clover.dev/deep deleted\n');
  t.regex(
    one.stderr,
    /^warning: \S+web\.json: Tap web is left out: its labels do not fit -l "app=deep"\n$/,
  );
  t.is((await cli(`delete -f ${folder}`)).stdout, 'tap.clover.dev/web deleted\n');
  t.deepEqual(await names(), []);
});

test('what is not clear is refused before anything is deleted', async (t) => {
  const { cli, tap, names } = await start(t);
  await tap('a');
  for (const [args, said] of [
    ['', /give KIND NAME, KIND\/NAME, KIND with -l or --all, or -f FILE/],
    [' tap', /which tap\? Give a name, -l LABELS or --all/],
    [' tap a --all', /names, -l or --all, not two of them/],
    [' tap -l app=web --all', /either --all or -l/],
    [' tap a -A', /-A goes with KIND and -l or --all/],
    [' tap a -f x.yaml', /either names or -f/],
    [' --all -f x.yaml', /--all goes with a KIND/],
    [' tap/a b', /either KIND NAME… or KIND\/NAME…/],
    [' tap tap/a', /either KIND NAME… or KIND\/NAME…/],
    [' tap/', /a name follows the kind/],
    [' tap -l app=', /no taps of these labels/],
    [' tap -l =web', /argument '=web' is invalid\. at character 1/],
    [' tap a --wait=maybe', /Allowed choices are true, false/],
  ] as const) {
    const { code, stderr } = await cli(`delete${args}`);
    t.is(code, args.endsWith('app=') ? 0 : 2, args);
    t.regex(stderr, said, args);
  }
  t.deepEqual(await names(), ['a']);
});

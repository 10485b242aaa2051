import test, { type ExecutionContext } from 'ava';
import { startApi, type ApiServer } from '../../functions/api/server.ts';
import { examples } from '../../functions/resources/examples.ts';
import { runCli, type CliResult } from '../run-cli.ts';

type Cli = (...args: string[]) => Promise<CliResult>;

const taps = [
  { name: 'tap-10', labels: { team: 'edge' }, ports: [80, 443] },
  { name: 'tap-9', labels: { team: 'core' }, ports: [9] },
];

async function start(t: ExecutionContext): Promise<{ api: ApiServer; cli: Cli }> {
  const api = await startApi(t);
  for (const { name, labels, ports } of taps) {
    const metadata = { name, namespace: 'shop', labels };
    await api.store.applySpec(
      { ...examples.Tap, metadata, spec: { ...examples.Tap.spec, ports } },
      { manager: 'test' },
    );
  }
  await api.store.applySpec(examples.TrafficPolicy, { manager: 'test' });
  const variables = { CLOVER_SERVER: api.url, CLOVER_TOKEN: api.token };
  return { api, cli: (...args) => runCli([...args, '-n', 'shop'], { variables }) };
}

test('objects are selected by labels and fields, by the server', async (t) => {
  const { cli } = await start(t);
  const names = async (...args: string[]): Promise<string> =>
    (await cli('get', 'tap', '-o', 'name', ...args)).stdout;
  t.is(await names('-l', 'team=edge'), 'tap.clover.dev/tap-10\n');
  t.is(await names('--selector', 'team notin (edge)'), 'tap.clover.dev/tap-9\n');
  t.is(await names('--field-selector', 'metadata.name=tap-9'), 'tap.clover.dev/tap-9\n');
  const wrong = await cli('get', 'tap', '--field-selector', 'spec.x=1');
  t.is(wrong.code, 2);
  t.regex(wrong.stderr, /fieldSelector: found "spec\.x=1"; allowed: metadata\.name=VALUE/);
  t.is((await cli('get', 'tap', '-l', 'a=b=c')).code, 2);
});

test('several kinds and names are shown together, and what is missing is told', async (t) => {
  const { cli } = await start(t);
  const kinds = await cli('get', 'tp,exp,tap');
  t.regex(
    kinds.stdout,
    /^NAME +HOST[^]*\ntrafficpolicy\.clover\.dev\/proxy [^]*\n\nNAME +SELECTOR[^]*\ntap\.clover\.dev\/tap-10 /,
  );
  const named = await cli('get', 'tap/tap-9', 'tp/proxy', '-o', 'name');
  t.is(named.stdout, 'tap.clover.dev/tap-9\ntrafficpolicy.clover.dev/proxy\n');
  const partly = await cli('get', 'tap', 'tap-9', 'nobody', '--json');
  t.is(partly.code, 3);
  t.regex(partly.stderr, /Tap shop\/nobody does not exist\n/);
  t.like(JSON.parse(partly.stdout), {
    kind: 'List',
    items: { 0: { metadata: { name: 'tap-9' } } },
    errors: { 0: { code: 'CLV_NOT_FOUND' } },
  });
  t.is((await cli('get', 'exp,run')).stderr, 'no experiments, experimentruns in namespace shop\n');
});

test('jsonpath and custom columns print what they say', async (t) => {
  const { cli } = await start(t);
  const range = '{range .items[?(@.metadata.labels.team=="edge")]}{.metadata.name}{"\\n"}{end}';
  t.is((await cli('get', 'tap', '-o', `jsonpath=${range}`)).stdout, 'tap-10\n');
  t.is((await cli('get', 'tap', 'tap-9', '-o', 'jsonpath={.spec.ports[0]}')).stdout, '9');
  t.is(
    (await cli('get', 'tap', '-o', 'custom-columns=NAME:.metadata.name,PORTS:.spec.ports[*],X:.no'))
      .stdout,
    'NAME     PORTS    X\ntap-10   80,443   <none>\ntap-9    9        <none>\n',
  );
  t.is(
    (await cli('get', 'tap', '--no-headers', '-o', "custom-columns=T:.metadata['labels','name']"))
      .stdout,
    '{"team":"edge"},tap-10\n{"team":"core"},tap-9\n',
  );
  const events = await cli('get', 'events', '-A', '-o', 'jsonpath={.items[*].regarding.kind}');
  t.regex(events.stdout, /^Experiment Experiment$/);
});

test('objects are put in order, and tables go without their heads', async (t) => {
  const { cli } = await start(t);
  t.regex(
    (await cli('get', 'tap', '--no-headers')).stdout,
    /^tap-10 +\S+ +80,443 +- +Unknown +\d+s\ntap-9 /,
  );
  const ordered = async (path: string): Promise<string> =>
    (await cli('get', 'tap', '-o', 'name', '--sort-by', path)).stdout.replaceAll(
      'tap.clover.dev/',
      '',
    );
  t.is(await ordered('.metadata.name'), 'tap-9\ntap-10\n');
  t.is(await ordered('{.spec.ports[0]}'), 'tap-9\ntap-10\n');
  t.is(await ordered('metadata.labels.team'), 'tap-9\ntap-10\n');
  t.is(await ordered('spec.ports[1:]'), 'tap-9\ntap-10\n');
  const unknown = await cli('get', 'tap', '--sort-by', '.spec.nope');
  t.is(unknown.code, 2);
  t.regex(unknown.stderr, /--sort-by: no object has \.spec\.nope/);
});

test('a watch takes selectors and forms, too', async (t) => {
  const { api } = await start(t);
  const variables = { CLOVER_SERVER: api.url, CLOVER_TOKEN: api.token };
  const follow = (args: readonly string[], end: string): Promise<CliResult> =>
    runCli([...args, '-n', 'shop'], { variables, until: (stdout) => stdout.includes(end) });
  const [path, columns, yaml] = await Promise.all([
    follow(['get', 'tap', '-w', '-l', 'team=edge', '-o', 'jsonpath={.metadata.name}'], 'tap-10\n'),
    follow(['watch', 'tap/tap-9', '--no-headers', '-o', 'custom-columns=P:.spec.ports'], '[9]\n'),
    follow(['get', 'tap', 'tap-9', '-w', '-o', 'yaml'], 'tap-9'),
  ]);
  t.is(path.stdout, 'tap-10\n');
  t.is(columns.stdout, '[9]\n');
  t.regex(yaml.stdout, /^---\napiVersion: clover\.dev/);
});

test('wrong use is refused with what was found and the fix', async (t) => {
  const variables = { CLOVER_SERVER: 'http://127.0.0.1:2' };
  for (const [args, message] of [
    [['tap', '-o', 'xml'], /Allowed choices are table, wide, yaml, json, name, jsonpath=TEMPLATE/],
    [['tap', '-o', 'jsonpath'], /It needs more, such as jsonpath='\{\.metadata\.name\}'/],
    [['tap', '-o', 'jsonpath={.a'], /jsonpath: at character 1 found \{ without the \}/],
    [['tap', '-o', 'custom-columns=NAME'], /found "NAME"; expected HEAD:path/],
    [['tap', '-o', 'custom-columns=A:.a,'], /found ""; expected HEAD:path/],
    [['tap', '-o', 'custom-columns=A:.a[x]'], /column A: at character 4 found "x"/],
    [['tap', '--sort-by', '.a['], /--sort-by.*at character 4 found the end/],
    [['tap', 'a', '-A'], /--all-namespaces: found names, too/],
    [['tap', 'a', '-l', 'x=y'], /--selector: found names, too/],
    [['tap,tp', '-w'], /--watch: found more than one/],
    [['tap', 'a', 'b', '-w'], /--watch: found more than one/],
    [['tap', '-w', '--sort-by', '.a'], /--watch: .*no --sort-by/],
    [['tap,events'], /events are shown alone/],
    [['tap,experimens'], /unknown kind "experimens": did you mean "experiments"\?/],
    [['events', '-l', 'a=b'], /--selector: event records have no labels/],
  ] as const) {
    const { code, stderr } = await runCli(['get', ...args], { variables });
    t.is(code, 2, args.join(' '));
    t.regex(stderr, message);
  }
});

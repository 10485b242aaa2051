import test from 'ava';
import type { Pod } from '../../agent/pod-directory.ts';
import { identify, reportTaps, select } from '../../agent/selection.ts';
import type { KnownTap } from '../../agent/tap-list.ts';

const pod = (namespace: string, name: string, labels: Record<string, string> = {}): Pod => ({
  namespace,
  name,
  uid: `uid-${name}`,
  labels,
});

const tap = (namespace: string, matchLabels: Record<string, string>, ports?: number[]) => ({
  namespace,
  name: 'tap',
  spec: { selector: { matchLabels }, ...(ports === undefined ? {} : { ports }) },
});

const keptWhole = (one: Pod) => ({
  ...one,
  settings: { ratio: 1, parent: false },
  sinks: [],
  logSinks: [],
  tls: false,
});

const web = pod('shop', 'web', { app: 'web', tier: 'front' });
const db = pod('shop', 'db', { app: 'db' });
const other = pod('ops', 'web', { app: 'web' });

test('without taps nothing is traced', (t) => {
  t.deepEqual(select([web, db], []), { pods: [], ports: [] });
});

test('a tap selects pods of its namespace by all of its labels', (t) => {
  t.deepEqual(select([web, db, other], [tap('shop', { app: 'web', tier: 'front' })]).pods, [
    keptWhole(web),
  ]);
  t.deepEqual(select([web, db, other], [tap('shop', {})]).pods, [keptWhole(web), keptWhole(db)]);
});

test('ports are the union over the taps in use, and a tap without ports means all', (t) => {
  const ports80 = tap('shop', { app: 'web' }, [8080, 80]);
  const ports90 = tap('shop', { app: 'db' }, [90, 80]);
  t.deepEqual(select([web, db], [ports80, ports90]).ports, [80, 90, 8080]);
  t.deepEqual(select([web, db], [ports80, tap('shop', { app: 'db' })]).ports, []);
  t.deepEqual(select([web], [ports80, tap('elsewhere', {})]).ports, [80, 8080]);
});

test('service and version come from the recommended labels first', (t) => {
  const named = pod('shop', 'x', {
    app: 'short',
    'app.kubernetes.io/name': 'long',
    version: 'v1',
  });
  t.like(identify(named, 'n1'), { service: 'long', version: 'v1', node: 'n1', uid: 'uid-x' });
  t.like(identify(pod('shop', 'bare'), 'n1'), { service: 'bare', version: '' });
});

test("Clover's own pods, and those that carry its events, are never traced, whatever a tap says", (t) => {
  const own = pod('shop', 'ingest', { 'app.kubernetes.io/part-of': 'clover' });
  const beside = pod('clover-system', 'agent');
  const broker = pod('knative-eventing', 'broker');
  const taps = ['shop', 'clover-system', 'knative-eventing'].map((name) => tap(name, {}, [80]));
  const untapped = new Set(['clover-system', 'knative-eventing']);
  t.deepEqual(select([web, own, beside, broker], taps, untapped), {
    pods: [keptWhole(web)],
    ports: [80],
  });
  t.deepEqual(select([own, beside, broker], taps, untapped), { pods: [], ports: [] });
});

type Wish = { readonly ratio: number; readonly parentBased: boolean } | undefined;

const keptBy = (...wishes: Wish[]) =>
  select(
    [web],
    wishes.map((sampling) => ({
      namespace: 'shop',
      name: 'tap',
      spec: { selector: { matchLabels: {} }, ...(sampling === undefined ? {} : { sampling }) },
    })),
  ).pods[0]?.settings;

const wishing = (spec: Partial<KnownTap['spec']>): KnownTap => ({
  namespace: 'shop',
  name: 'tap',
  spec: { selector: { matchLabels: {} }, ...spec },
});

test('what taps have in lists adds up, and one that names no protocols wants all', (t) => {
  const first = wishing({
    protocols: ['redis', 'http'],
    headers: { request: ['x-b', 'x-a'] },
    redaction: { keepQueryValues: ['page'], headers: ['x-*-token'] },
  });
  const second = wishing({
    protocols: ['http', 'dns'],
    headers: { request: ['x-a'], response: ['via'] },
  });
  const kept = { ratio: 1, parent: false };
  t.deepEqual(select([web], [first, second]).pods[0]?.settings, {
    ...kept,
    protocols: ['dns', 'http', 'redis'],
    requestHeaders: ['x-a', 'x-b'],
    responseHeaders: ['via'],
    queryValues: ['page'],
    redactedHeaders: ['x-*-token'],
  });
  t.deepEqual(select([web], [first, wishing({})]).pods[0]?.settings, {
    ...kept,
    requestHeaders: ['x-a', 'x-b'],
    queryValues: ['page'],
    redactedHeaders: ['x-*-token'],
  });
});

const egressOf = (name: string, ...taps: KnownTap[]) =>
  select([pod('shop', name)], taps).pods[0]?.settings.egress;

test('where connections go is told by the Taps together, of the pods that they name, and one that says nothing wants all', (t) => {
  const first = wishing({ egress: ['10.0.0.5:5432', '10.0.0.6:6379:web'] });
  const second = wishing({ egress: ['[2001:db8::/32]:443:we', '10.0.0.5:5432'], ports: [80] });
  const database = { address: '10.0.0.5', prefixLength: 32, port: 5432 };
  const cache = { address: '10.0.0.6', prefixLength: 32, port: 6379 };
  const abroad = { address: '2001:db8::', prefixLength: 32, port: 443 };
  t.deepEqual(egressOf('web', first, second), [database, cache]);
  t.deepEqual(egressOf('web-7f9c', first), [database, cache]);
  t.deepEqual(egressOf('webber', first), [database]);
  t.deepEqual(egressOf('we-1', second), [database, abroad]);
  t.deepEqual(egressOf('other', wishing({ egress: ['10.0.0.6:6379:web'] })), []);
  t.is(egressOf('web', first, wishing({})), undefined);
  t.deepEqual(select([web], [second]).ports, [80, 443, 5432]);
  t.deepEqual(select([web], [first, second]).ports, []);
});

test('records of an access log go to the sinks of the taps that ask for one', (t) => {
  const logging = wishing({ accessLog: true, sinks: ['b', 'a'] });
  const plain = wishing({ accessLog: false, sinks: ['c'] });
  t.like(select([web], [logging, plain]).pods[0], {
    settings: { ratio: 1, parent: false, accessLog: true },
    sinks: ['a', 'b', 'c'],
    logSinks: ['a', 'b'],
  });
  const [silent] = select([web], [plain, wishing({ sinks: ['a'] })]).pods;
  t.deepEqual(silent?.logSinks, []);
  t.false('accessLog' in (silent?.settings ?? {}));
});

test('what a pod encrypts by itself is read where one of its taps asks for it', (t) => {
  t.true(select([web], [wishing({}), wishing({ tls: true })]).pods[0]?.tls);
  t.false(select([web], [wishing({ tls: false }), wishing({})]).pods[0]?.tls);
});

test('of several taps the one that keeps most says what is kept of a pod', (t) => {
  t.deepEqual(keptBy(undefined), { ratio: 1, parent: false });
  const few = { ratio: 0.1, parentBased: true };
  t.deepEqual(keptBy(few), { ratio: 0.1, parent: true });
  t.deepEqual(keptBy(few, { ratio: 0.5, parentBased: true }), { ratio: 0.5, parent: true });
  t.deepEqual(keptBy(few, { ratio: 0.1, parentBased: false }), { ratio: 0.1, parent: false });
  t.deepEqual(keptBy(few, undefined), { ratio: 1, parent: false });
});

test('of each Tap that selects pods it is told how many, and how many of those are traced', (t) => {
  const clover = pod('shop', 'own', { app: 'web', 'app.kubernetes.io/part-of': 'clover' });
  const pods = [web, db, other, clover, pod('mesh', 'gate')];
  const taps = [
    { ...tap('shop', {}), name: 'all' },
    { ...tap('shop', { app: 'web' }), name: 'web' },
    { ...tap('shop', { app: 'typo' }), name: 'none' },
    { ...tap('mesh', {}), name: 'gate' },
  ];
  const traced = new Set(['shop/web']);
  t.deepEqual(
    reportTaps(pods, taps, new Set(['mesh']), (each) => traced.has(each)),
    [
      { namespace: 'shop', name: 'all', selected: 2, traced: 1 },
      { namespace: 'shop', name: 'web', selected: 1, traced: 1 },
    ],
  );
});

import test from 'ava';
import fc from 'fast-check';
import { translate } from '../../../functions/ingress/translate.ts';
import type { Ingress } from '../../../functions/ingress/ingress-object.ts';
import { canonicalJson } from '../../../functions/lib/canonical-json.ts';
import { renderEnvoy } from '../../../functions/mesh/envoy/renderer.ts';
import { createEnvoyValidator } from '../../../functions/mesh/envoy/validator.ts';
import { envoyBinary, envoyMissing } from '../mesh/envoy/envoy.ts';
import { directory, directoryOf, ingressOf, sliceOf, specOf, splitOf } from './examples.ts';

const ports = { external: 8080, internal: 8081 };
const services = directoryOf({ v1: ['10.0.0.1', '10.0.0.2'], v2: ['10.0.0.3'] });

const hostsOf = (ingresses: readonly Ingress[], port = 8080): string[] =>
  translate(ingresses, services, ports)
    .form.listeners.filter((listener) => listener.port === port)
    .flatMap(({ hosts }) => hosts.flatMap(({ domain, aliases = [] }) => [domain, ...aliases]))
    .filter((domain) => !domain.endsWith('.internal'));

const problemsOf = (ingress: Ingress, others: readonly Ingress[] = []): string[] =>
  translate([...others, ingress], services, ports).outcomes.flatMap(({ problems }) =>
    problems.map(({ field, message }) => `${field}: ${message}`),
  );

test('weights have no common divisor, and a split of nothing is none', (t) => {
  const splits = [splitOf('v1', 80), splitOf('v2', 20), splitOf('v3', 0)];
  const { form } = translate([ingressOf('app', specOf(['a.b'], [{ splits }]))], services, ports);
  const routes = form.listeners[0]?.hosts.find(({ domain }) => domain === 'a.b')?.routes ?? [];
  t.deepEqual(
    routes.map(({ name, destinations }) => [name, destinations]),
    [
      ['probe', []],
      [
        '/',
        [
          { cluster: 'shop/v1/80', weight: 4 },
          { cluster: 'shop/v2/80', weight: 1 },
        ],
      ],
    ],
  );
  t.deepEqual(form.clusters, [
    {
      name: 'shop/v1/80',
      endpoints: [
        { address: '10.0.0.1', port: 8012 },
        { address: '10.0.0.2', port: 8012 },
      ],
    },
    { name: 'shop/v2/80', endpoints: [{ address: '10.0.0.3', port: 8012 }] },
  ]);
});

test('a host name belongs to the oldest Ingress that has it on a port', (t) => {
  const paths = [{ splits: [splitOf('v1')] }];
  const old = ingressOf('z', specOf(['a.b'], paths), { creationTimestamp: '2025-01-01T00:00:00Z' });
  const young = ingressOf('a', specOf(['c.d', 'a.b'], paths));
  t.deepEqual(hostsOf([young, old]), ['a.b']);
  t.deepEqual(problemsOf(young, [old]), [
    'spec.rules[0].hosts: a.b belongs to the older Ingress shop/z',
  ]);
  const inner = ingressOf('a', specOf(['c.d', 'a.b'], paths, { visibility: 'ClusterLocal' }));
  t.deepEqual(hostsOf([inner, old]), ['a.b']);
  t.deepEqual(hostsOf([inner, old], 8081), ['a.b', 'c.d']);
});

test('within one Ingress the first rule with a host has it', (t) => {
  const [one, two] = ['v1', 'v2'].map((name) => ({
    hosts: ['a.b', `${name}.b`],
    http: { paths: [{ splits: [splitOf(name)] }] },
  }));
  const { form } = translate([ingressOf('app', { rules: [one, two] })], services, ports);
  t.deepEqual(
    form.listeners[0]?.hosts.map(({ domain, aliases = [], routes }) => [
      [domain, ...aliases],
      routes.at(-1)?.destinations[0]?.cluster,
    ]),
    [
      [['health.clover-ingress.internal'], undefined],
      [['a.b', 'v1.b'], 'shop/v1/80'],
      [['v2.b'], 'shop/v2/80'],
    ],
  );
});

test('what Knative refuses, and what Envoy would refuse with all others, names its field', (t) => {
  const good = [{ splits: [splitOf('v1')] }];
  const cases: [object, string][] = [
    [{}, 'spec.rules: is empty; write one rule at least'],
    [specOf([], good), 'spec.rules[0].hosts: is empty; name one host at least'],
    [specOf(['*'], good), 'spec.rules[0].hosts[0]: found "*"; must be a host name in lower case'],
    [
      specOf(['health.clover-ingress.internal'], good),
      "spec.rules[0].hosts: health.clover-ingress.internal is this network layer's",
    ],
    [specOf(['a.b'], []), 'spec.rules[0].http.paths: is empty; write one path at least'],
    [
      specOf(['a.b'], good, { visibility: 'All' }),
      'spec.rules[0].visibility: found "All"; must be ExternalIP or ClusterLocal',
    ],
    [
      { ...specOf(['a.b'], good), httpOption: 'Disabled' },
      'spec.httpOption: found "Disabled"; must be Enabled or Redirected',
    ],
    [
      specOf(['a.b'], [{ splits: [splitOf('v1', 50), splitOf('v2', 49)] }]),
      'spec.rules[0].http.paths[0].splits: the percentages are 99 together; must be 100',
    ],
    [
      specOf(['a.b'], [{ splits: [splitOf('v1', 110), splitOf('v2', -10)] }]),
      'spec.rules[0].http.paths[0].splits[0].percent: found 110; must be 0 to 100',
    ],
    [
      specOf(['a.b'], [{ splits: [splitOf('v1', 100, { serviceNamespace: 'bank' })] }]),
      'spec.rules[0].http.paths[0].splits[0].serviceNamespace: found "bank"; must be the Ingress\'s own, "shop"',
    ],
    [
      specOf(['a.b'], [{ path: 'x y', splits: [splitOf('v1')] }]),
      'spec.rules[0].http.paths[0].path: found "x y"; must begin with "/" and have no spaces',
    ],
    [
      specOf(['a.b'], [{ splits: [splitOf('v1')], appendHeaders: { Host: 'a' } }]),
      'spec.rules[0].http.paths[0].appendHeaders: found "Host", which nobody but Envoy may set',
    ],
    [
      specOf(['a.b'], [{ splits: [splitOf('v1')], headers: { a: { exact: 'b\nc' } } }]),
      'spec.rules[0].http.paths[0].headers: found "a: b\\nc"; must be a header of HTTP',
    ],
  ];
  for (const [spec, problem] of cases) t.is(problemsOf(ingressOf('app', spec))[0], problem);
});

const ready = (addresses: readonly string[], conditions: object | null) => ({
  endpoints: addresses.map((address) => ({ addresses: [address], conditions })),
});

test('ready endpoints of the port, of IPv4 where there are both', (t) => {
  const service = {
    metadata: { namespace: 'shop', name: 'v1' },
    spec: {
      ports: [
        { name: 'admin', port: 90 },
        { name: 'http', port: 80 },
      ],
    },
  };
  const found = directory(
    [service],
    [
      sliceOf('v1', [], ready(['10.0.0.9'], { ready: false })),
      sliceOf('v1', [], ready(['10.0.0.2', '10.0.0.1'], null)),
      sliceOf('v1', [], { ...ready(['fd00::1'], {}), addressType: 'IPv6' }),
      sliceOf('v1', ['10.0.0.2']),
      sliceOf('v1', ['10.0.0.7'], { ports: [{ name: 'admin', port: 9 }] }),
      sliceOf('v1', [], { endpoints: null, ports: null }),
    ],
  );
  const { form } = translate(
    [ingressOf('app', specOf(['a.b'], [{ splits: [splitOf('v1')] }]))],
    found,
    ports,
  );
  t.deepEqual(form.clusters[0]?.endpoints, [
    { address: '10.0.0.1', port: 8012 },
    { address: '10.0.0.2', port: 8012 },
  ]);
});

/** Seldom enough that most Ingresses are rendered, with all else that is odd. */
const orAnything = (usual: fc.Arbitrary<string>): fc.Arbitrary<string> =>
  fc.oneof(
    { weight: 24, arbitrary: usual },
    {
      weight: 1,
      arbitrary: fc.oneof(
        fc.string({ maxLength: 12 }),
        fc.string({ unit: 'binary', maxLength: 6 }),
        fc.constantFrom('host', ':path', 'Connection', 'TE', 'a b', '*', '.', '/%00'),
      ),
    },
  );
const headerName = orAnything(
  fc.oneof(
    fc.constantFrom('x-a', 'X-A', '%PROTOCOL%', '%', 'te', 'cookie', 'x-envoy-retry-on', 'upgrade'),
    fc.stringMatching(/^[!#$%&'*+.^_`|~0-9A-Za-z-]{1,20}$/),
  ),
);
const headerValue = orAnything(
  fc.oneof(
    fc.constantFrom('', '%', '%PROTOCOL%', '%%', '%REQ(host)%', 'é'),
    fc.stringMatching(/^[\t\x20-\x7e\x80-\uffff]{0,12}$/),
  ),
);
const headers = fc.dictionary(headerName, headerValue, { maxKeys: 3 });
const anyPath = fc.record(
  {
    path: orAnything(fc.oneof(fc.constant(''), fc.stringMatching(/^\/[\x21-\x7e]{0,12}$/))),
    rewriteHost: orAnything(fc.oneof(fc.constant(''), fc.domain())),
    headers: fc.dictionary(headerName, fc.record({ exact: headerValue }), { maxKeys: 2 }),
    appendHeaders: headers,
    splits: fc
      .constantFrom('v1', 'v2', 'gone')
      .chain((name) => headers.map((appendHeaders) => [splitOf(name, 100, { appendHeaders })])),
  },
  { requiredKeys: ['splits'] },
);
const anyIngress = fc
  .record({
    name: fc.constantFrom('a', 'b', 'c', 'd'),
    hosts: fc.array(orAnything(fc.oneof(fc.domain(), fc.constantFrom('a.b', 'c.d'))), {
      minLength: 1,
      maxLength: 3,
    }),
    paths: fc.array(anyPath, { minLength: 1, maxLength: 3 }),
    visibility: fc.constantFrom('', 'ExternalIP', 'ClusterLocal'),
    httpOption: fc.constantFrom('', 'Enabled', 'Enabled', 'Redirected'),
  })
  .map(({ name, hosts, paths, visibility, httpOption }) =>
    ingressOf(name, { ...specOf(hosts, paths, { visibility }), httpOption }),
  );
const anyIngresses = fc.uniqueArray(anyIngress, {
  maxLength: 4,
  selector: ({ metadata }) => metadata.name,
});

const bytes = (some: readonly Ingress[]): string =>
  canonicalJson(renderEnvoy(translate(some, services, ports).form, '/xds'));

test('equal wishes give equal bytes, in whatever order they come', (t) => {
  fc.assert(
    fc.property(anyIngresses, (ingresses) => {
      t.is(bytes(ingresses), bytes(ingresses.toReversed()));
    }),
  );
});

test('every route leads to a cluster that is there, and each host stands once on a port', (t) => {
  fc.assert(
    fc.property(anyIngresses, (ingresses) => {
      const { form } = translate(ingresses, services, ports);
      const clusters = new Set(form.clusters.map(({ name }) => name));
      t.is(clusters.size, form.clusters.length);
      for (const { hosts } of form.listeners) {
        const domains = hosts.flatMap(({ domain, aliases = [] }) => [domain, ...aliases]);
        t.is(new Set(domains).size, domains.length);
        const named = hosts.flatMap(({ routes }) =>
          routes.flatMap(({ destinations }) => destinations),
        );
        t.true(named.every(({ cluster, weight }) => clusters.has(cluster) && weight > 0));
      }
    }),
  );
});

const withEnvoy = envoyMissing === undefined ? test : test.skip;

withEnvoy('whatever a user writes, Envoy takes what is rendered of it', async (t) => {
  const explain = createEnvoyValidator({ binary: envoyBinary });
  // Many in one file: a second Envoy takes a while to look at one.
  const many = fc.array(anyIngress, { minLength: 60, maxLength: 60 }).map((ingresses) =>
    ingresses.map((ingress, index) => ({
      ...ingress,
      metadata: { ...ingress.metadata, name: `i${index}`, uid: `u${index}` },
    })),
  );
  let rendered = 0;
  await fc.assert(
    fc.asyncProperty(many, async (ingresses) => {
      const { form, outcomes } = translate(ingresses, services, ports);
      rendered += outcomes.filter(({ problems }) => problems.length === 0).length;
      // Its listeners are always the same, and want a folder that is there.
      t.is(await explain({ ...renderEnvoy(form, '/xds'), listeners: [] }), undefined);
    }),
    { numRuns: 8, endOnFailure: true, interruptAfterTimeLimit: 60_000 },
  );
  t.true(rendered > 0);
  t.log(`${rendered} rendered`);
});

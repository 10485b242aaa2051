import { once } from 'node:events';
import { connect } from 'node:http2';
import { text } from 'node:stream/consumers';
import { setTimeout as delay } from 'node:timers/promises';
import { specHash } from '../../../functions/ingress/spec-hash.ts';
import { sampleRatioLogBayesFactor } from '../../../functions/lib/statistics/sample-ratio.ts';
import { host, isReady, rule, standOf, started, test } from './with-stand.ts';

test('an Ingress is ready once Envoy has it, and 80/20 is counted as such', async (t) => {
  const stand = await standOf(t);
  const splits = [stand.split('v1', 80), stand.split('v2', 20)];
  await stand.ingress('app', { rules: [rule([{ splits }])] });
  const ingress = await stand.until('app', isReady);
  t.deepEqual(
    ingress.status?.conditions?.map(({ type, status }) => `${type}=${status}`),
    ['LoadBalancerReady=True', 'NetworkConfigured=True', 'Ready=True'],
  );
  t.deepEqual(ingress.status?.publicLoadBalancer, { ingress: [{ domainInternal: 'public.test' }] });
  t.deepEqual(ingress.status?.privateLoadBalancer, {
    ingress: [{ domainInternal: 'private.test' }],
  });
  const counts = new Map([
    ['v1', 0],
    ['v2', 0],
  ]);
  for (let asked = 0; asked < 1_000; asked += 1) {
    const { seen } = await stand.get(stand.external, host);
    const name = seen?.name ?? 'nobody';
    counts.set(name, (counts.get(name) ?? 0) + 1);
  }
  t.deepEqual([...counts.keys()], ['v1', 'v2']);
  // A right split passes this bound once in a million runs.
  const log = sampleRatioLogBayesFactor([...counts.values()], [0.8, 0.2]);
  t.true(log < Math.log(1e6), JSON.stringify([...counts]));
  t.log(Object.fromEntries(counts));
});

test('a probe is answered with the hash of the wish, and another hash goes to the backend', async (t) => {
  const stand = await standOf(t);
  await stand.ingress('app', { rules: [rule([{ splits: [stand.split('v1')] }])] });
  const ingress = await stand.until('app', isReady);
  const probe = { 'k-network-probe': 'probe', 'k-network-hash': 'override' };
  const answer = await stand.get(stand.external, host, '/', probe);
  t.is(answer.status, 200);
  t.is(answer.headers['k-network-hash'], specHash(ingress));
  t.is(answer.seen, undefined);
  const other = await stand.get(stand.external, host, '/', { ...probe, 'k-network-hash': 'abc' });
  t.is(other.seen?.headers['k-network-hash'], 'abc');
});

test('the longest prefix decides, then the first whose headers match', async (t) => {
  const stand = await standOf(t);
  await stand.ingress('app', {
    rules: [
      rule([
        { headers: { 'Knative-Serving-Tag': { exact: 'canary' } }, splits: [stand.split('v2')] },
        { splits: [stand.split('v1')] },
        { path: '/foo', splits: [stand.split('v2')] },
        { path: '/foo/bar', splits: [stand.split('v3')] },
      ]),
    ],
  });
  await stand.until('app', isReady);
  const asked: [string, Record<string, string>, string][] = [
    ['/', {}, 'v1'],
    ['/asdf', {}, 'v1'],
    ['/foo', {}, 'v2'],
    ['/foobar?x=/foo/bar', {}, 'v2'],
    ['/foo/bar/baz', {}, 'v3'],
    ['/', { 'knative-serving-tag': 'canary' }, 'v2'],
    ['/', { 'knative-serving-tag': 'not-canary' }, 'v1'],
    ['/', { 'knative-serving-tag': '' }, 'v1'],
    ['/foo/bar', { 'knative-serving-tag': 'canary' }, 'v3'],
  ];
  for (const [path, headers, name] of asked) {
    const { seen } = await stand.get(stand.external, host, path, headers);
    t.is(seen?.name, name, `${path} ${JSON.stringify(headers)}`);
    t.is(seen?.path, path);
  }
});

test('headers of a path and of a split are set, whatever the client sent; the host can be another', async (t) => {
  const stand = await standOf(t);
  await stand.ingress('app', {
    rules: [
      rule([
        {
          rewriteHost: 'inner.example.test',
          appendHeaders: { 'Foo-Path': '100%' },
          splits: [stand.split('v1', 100, { appendHeaders: { 'Foo-Split': 'v1' } })],
        },
      ]),
    ],
  });
  await stand.until('app', isReady);
  const made = { 'foo-path': 'mine', 'foo-split': 'mine' };
  for (const headers of [{}, made]) {
    const { seen } = await stand.get(stand.external, host, '/', headers);
    t.is(seen?.headers['foo-path'], '100%');
    t.is(seen?.headers['foo-split'], 'v1');
    t.is(seen?.host, 'inner.example.test');
  }
});

test('each visibility has a port of its own; all hosts of a rule are served', async (t) => {
  const stand = await standOf(t);
  const own = ['app.ns.svc.cluster.local', 'app.ns.svc', 'app.ns'];
  await stand.ingress('app', {
    rules: [
      rule([{ splits: [stand.split('v1')] }], { hosts: own, visibility: 'ClusterLocal' }),
      rule([{ splits: [stand.split('v2')] }], { hosts: [host, 'www.example.test'] }),
    ],
  });
  await stand.until('app', isReady);
  for (const name of own) {
    t.is((await stand.get(stand.internal, name)).seen?.name, 'v1');
    t.is((await stand.get(stand.external, name)).status, 404);
  }
  for (const name of [host, 'www.example.test', `${host}:8080`]) {
    t.is((await stand.get(stand.external, name)).seen?.name, 'v2');
    t.is((await stand.get(stand.internal, name)).status, 404);
  }
  await stand.removeIngress('app');
  while ((await stand.get(stand.external, host)).status !== 404) await delay(10);
  t.is((await stand.get(stand.internal, 'app.ns')).status, 404);
});

test('Redirected sends clients of the external port to https, and no others', async (t) => {
  const stand = await standOf(t);
  await stand.ingress('app', {
    httpOption: 'Redirected',
    rules: [
      rule([{ splits: [stand.split('v1')] }]),
      rule([{ splits: [stand.split('v1')] }], { hosts: ['app.ns'], visibility: 'ClusterLocal' }),
    ],
  });
  await stand.until('app', isReady);
  const answer = await stand.get(stand.external, host, '/a?b=c');
  t.is(answer.status, 301);
  t.is(answer.headers['location'], `https://${host}/a?b=c`);
  t.is((await stand.get(stand.internal, 'app.ns')).seen?.name, 'v1');
});

test('HTTP/2 without TLS goes in and out, by the name or the protocol of the port', async (t) => {
  const stand = await standOf(t);
  const { upstreams } = await started;
  const place = { address: upstreams.address, port: upstreams.ports['h2c-1'] ?? 0 };
  await stand.service('by-name', { name: 'http2', port: 80 });
  await stand.endpoints('by-name', [place], 'http2');
  await stand.service('by-protocol', { name: 'web', port: 80, appProtocol: 'kubernetes.io/h2c' });
  await stand.endpoints('by-protocol', [place], 'web');
  await stand.ingress('app', {
    rules: [
      rule([
        { path: '/name', splits: [stand.split('by-name')] },
        { path: '/protocol', splits: [stand.split('by-protocol')] },
        { path: '/one', splits: [stand.split('v1')] },
      ]),
    ],
  });
  await stand.until('app', isReady);
  t.is((await stand.get(stand.external, host, '/name')).seen?.httpVersion, '2.0');
  t.is((await stand.get(stand.external, host, '/protocol')).seen?.httpVersion, '2.0');
  const session = connect(`http://127.0.0.1:${stand.external}`);
  t.teardown(() => session.destroy());
  for (const path of ['/protocol', '/one']) {
    const body = await text(session.request({ ':authority': host, ':path': path }));
    t.like(JSON.parse(body), { name: path === '/one' ? 'v1' : 'h2c-1', host });
  }
});

test('a stream goes both ways at once and ends with trailers, as gRPC wants it', async (t) => {
  const stand = await standOf(t);
  const { upstreams } = await started;
  await stand.service('grpc', { name: 'http2', port: 80 });
  const place = { address: upstreams.address, port: upstreams.ports['h2c-1'] ?? 0 };
  await stand.endpoints('grpc', [place], 'http2');
  await stand.ingress('app', { rules: [rule([{ splits: [stand.split('grpc')] }])] });
  await stand.until('app', isReady);
  const session = connect(`http://127.0.0.1:${stand.external}`);
  t.teardown(() => session.destroy());
  const head = { ':authority': host, ':path': '/stream', ':method': 'POST', te: 'trailers' };
  const call = session.request(head);
  const trailers: Promise<readonly unknown[]> = once(call, 'trailers');
  const heard: string[] = [];
  call.setEncoding('utf8').on('data', (chunk: unknown) => heard.push(String(chunk)));
  for (const word of ['one', 'two', 'three']) {
    call.write(word);
    while (heard.at(-1) !== word) await delay(5);
  }
  call.end();
  t.deepEqual(heard, ['one', 'two', 'three']);
  t.like((await trailers)[0], { 'grpc-status': '0' });
});

test('a path of the internal port is split by its own percentages', async (t) => {
  const stand = await standOf(t);
  const paths = [
    { path: '/foo', splits: [stand.split('v1', 30), stand.split('v2', 70)] },
    { splits: [stand.split('v3')] },
  ];
  const more = { hosts: ['app.ns'], visibility: 'ClusterLocal' };
  await stand.ingress('app', { rules: [rule(paths, more)] });
  await stand.until('app', isReady);
  const counts = { v1: 0, v2: 0, v3: 0 };
  for (let asked = 0; asked < 400; asked += 1) {
    const { seen } = await stand.get(stand.internal, 'app.ns', asked % 2 === 0 ? '/foo' : '/');
    if (seen?.name === 'v1' || seen?.name === 'v2' || seen?.name === 'v3') counts[seen.name] += 1;
  }
  t.is(counts.v3, 200);
  t.is(counts.v1 + counts.v2, 200);
  const log = sampleRatioLogBayesFactor([counts.v1, counts.v2], [0.3, 0.7]);
  t.true(log < Math.log(1e6), JSON.stringify(counts));
});

test('a WebSocket passes, and is split as requests are', async (t) => {
  const stand = await standOf(t);
  const splits = [stand.split('v1', 50), stand.split('v2', 50)];
  await stand.ingress('app', { rules: [rule([{ splits }], { hosts: ['localhost'] })] });
  await stand.until('app', isReady);
  const names = new Set<string>();
  const talk = async (): Promise<void> => {
    const socket = new WebSocket(`ws://localhost:${stand.external}/`);
    const heard: unknown[] = [];
    await new Promise<void>((resolve, reject) => {
      socket.addEventListener('error', () => reject(new Error('the WebSocket failed')));
      socket.addEventListener('message', ({ data }: { readonly data: unknown }) => {
        heard.push(data);
        if (heard.length === 1) socket.send('hello');
        else resolve();
      });
    });
    socket.close();
    names.add(String(heard[0]));
    t.is(heard[1], 'hello');
  };
  // One version is never met in 40 of them once in 10^12 runs.
  for (let count = 0; count < 40; count += 1) await talk();
  t.deepEqual([...names].sort(), ['v1', 'v2']);
});

test('a Service that is another name is asked by that name, as a DomainMapping wants it', async (t) => {
  const stand = await standOf(t);
  await stand.service(
    'alias',
    { name: 'http2', port: stand.internal, appProtocol: 'kubernetes.io/h2c' },
    { type: 'ExternalName', externalName: 'localhost' },
  );
  await stand.ingress('app', {
    rules: [
      rule([{ splits: [stand.split('v1')] }], { hosts: ['app.ns'], visibility: 'ClusterLocal' }),
    ],
  });
  const splits = [stand.split('alias', 100, { servicePort: stand.internal })];
  await stand.ingress('mapping', {
    rules: [rule([{ rewriteHost: 'app.ns', splits }], { hosts: ['vanity.example'] })],
  });
  await stand.until('app', isReady);
  await stand.until('mapping', isReady);
  let answer = await stand.get(stand.external, 'vanity.example');
  // The name is asked for when the cluster is made, and not before that.
  for (; answer.status !== 200; await delay(50)) {
    answer = await stand.get(stand.external, 'vanity.example');
  }
  t.is(answer.seen?.name, 'v1');
  t.is(answer.seen?.host, 'app.ns');
});

import { setTimeout as delay } from 'node:timers/promises';
import { compact } from '../../cluster/compact.ts';
import { podAddress } from './stand.ts';
import { conditionOf, host, isReady, rule, standOf, started, test } from './with-stand.ts';

test('two hundred changes under load fail no request', async (t) => {
  const stand = await standOf(t);
  const apply = (splits: readonly object[]): Promise<void> =>
    stand.ingress('app', { rules: [rule([{ splits }])] });
  await apply([stand.split('v1')]);
  await stand.until('app', isReady);
  const changes = new AbortController();
  const found = new Map<string, number>();
  const load = async (): Promise<void> => {
    while (!changes.signal.aborted) {
      const { status, seen } = await stand.get(stand.external, host);
      const what = `${status} ${seen === undefined ? 'Envoy' : 'upstream'}`;
      found.set(what, (found.get(what) ?? 0) + 1);
    }
  };
  const clients = Array.from({ length: 4 }, load);
  for (let change = 1; change <= 200; change += 1) {
    const percent = (change * 7) % 101;
    // Weights, a revision that is new, a Service whose endpoints are others: as Serving does by turns.
    if (change % 4 === 0) await stand.serve('v1', change % 8 === 0 ? ['v1'] : ['v3']);
    else if (change % 4 === 1) await apply([stand.split('v3')]);
    else await apply([stand.split('v1', percent), stand.split('v2', 100 - percent)]);
    // Every change is one of its own for Envoy.
    if (change % 4 !== 0) await stand.until('app', isReady);
  }
  changes.abort();
  await Promise.all(clients);
  t.deepEqual([...found.keys()], ['200 upstream']);
  t.true((found.get('200 upstream') ?? 0) > 200);
  t.log(Object.fromEntries(found));
});

test('what is open stays open while endpoints and routes change', async (t) => {
  const stand = await standOf(t);
  const apply = (splits: readonly object[]): Promise<void> =>
    stand.ingress('app', { rules: [rule([{ splits }], { hosts: ['localhost'] })] });
  await apply([stand.split('v1')]);
  await stand.until('app', isReady);
  const socket = new WebSocket(`ws://localhost:${stand.external}/`);
  t.teardown(() => socket.close());
  const heard: string[] = [];
  socket.addEventListener('message', ({ data }: { readonly data: unknown }) =>
    heard.push(String(data)),
  );
  socket.addEventListener('close', () => heard.push('closed'));
  while (heard.length === 0) await delay(10);
  // Another server, two, another Service, and the first one is gone from all of it.
  for (const names of [['v1', 'v2'], ['v2'], ['v3'], ['v2', 'v3']]) {
    await stand.serve('v1', names);
    while (
      names.length === 1 &&
      (await stand.get(stand.external, 'localhost')).seen?.name !== names[0]
    )
      await delay(10);
  }
  await apply([stand.split('v2')]);
  await stand.until('app', isReady);
  socket.send('still here');
  while (heard.length === 1) await delay(10);
  t.deepEqual(heard, ['v1', 'still here']);
});

test('a new revision is served once it has endpoints, the one before it until then', async (t) => {
  const stand = await standOf(t);
  await stand.ingress('app', { rules: [rule([{ splits: [stand.split('v1')] }])] });
  await stand.until('app', isReady);
  await stand.ingress('app', { rules: [rule([{ splits: [stand.split('late')] }])] });
  const waiting = await stand.until('app', (found) => !isReady(found));
  t.is(conditionOf(waiting, 'NetworkConfigured'), 'Unknown WaitingForEndpoints');
  t.is((await stand.get(stand.external, host)).seen?.name, 'v1');
  await stand.service('late');
  await stand.serve('late', ['v2']);
  await stand.until('app', isReady);
  t.is((await stand.get(stand.external, host)).seen?.name, 'v2');
});

test('a backend that goes is 503 and said, and no reason to be unready', async (t) => {
  const stand = await standOf(t);
  await stand.ingress('app', { rules: [rule([{ splits: [stand.split('v1')] }])] });
  await stand.until('app', isReady);
  await stand.serve('v1', []);
  const found = await stand.until(
    'app',
    (ingress) => conditionOf(ingress, 'NetworkConfigured') === 'True NoEndpoints',
  );
  t.true(isReady(found));
  t.is((await stand.get(stand.external, host)).status, 503);
  await stand.serve('v1', ['v2']);
  await stand.until('app', (each) => conditionOf(each, 'NetworkConfigured') === 'True');
  t.is((await stand.get(stand.external, host)).seen?.name, 'v2');
});

test('without its Envoy nothing is ready, and with it all is again', async (t) => {
  const stand = await standOf(t);
  await stand.ingress('app', { rules: [rule([{ splits: [stand.split('v1')] }])] });
  await stand.until('app', isReady);
  await stand.stopEnvoy();
  const down = await stand.until('app', (found) => !isReady(found));
  t.is(conditionOf(down, 'LoadBalancerReady'), 'Unknown EnvoyDown');
  await stand.ingress('app', { rules: [rule([{ splits: [stand.split('v2')] }])] });
  t.false(isReady(await stand.until('app', () => true)));
  await stand.startEnvoy();
  await stand.until('app', isReady);
  t.is((await stand.get(stand.external, host)).seen?.name, 'v2');
});

test('nothing is ready before the Envoy of every ready pod has it', async (t) => {
  const stand = await standOf(t);
  const { upstreams } = await started;
  await stand.service('clover-ingress');
  const own = { address: podAddress, port: stand.external };
  // Nothing listens there at Envoy's ports.
  const other = { address: upstreams.address, port: stand.external };
  await stand.endpoints('clover-ingress', [own, other]);
  await stand.ingress('app', { rules: [rule([{ splits: [stand.split('v1')] }])] });
  const waiting = await stand.until('app', (found) => !isReady(found));
  t.is(conditionOf(waiting, 'Ready'), 'Unknown Probing');
  t.is((await stand.get(stand.external, host)).seen?.name, 'v1');
  await stand.endpoints('clover-ingress', [own, { ...other, ready: false }]);
  await stand.until('app', isReady);
  t.pass();
});

test('a pod that is to end sends its clients away, and answers them until then', async (t) => {
  const stand = await standOf(t);
  await stand.ingress('app', { rules: [rule([{ splits: [stand.split('v1')] }])] });
  await stand.until('app', isReady);
  t.not((await stand.get(stand.external, host)).headers['connection'], 'close');
  await stand.service('clover-ingress');
  const own = { address: podAddress, port: stand.external };
  await stand.endpoints('clover-ingress', [{ ...own, ready: false, terminating: true }]);
  let answer = await stand.get(stand.external, host);
  for (; answer.headers['connection'] !== 'close'; await delay(20)) {
    answer = await stand.get(stand.external, host);
    t.is(answer.status, 200);
  }
  t.is((await stand.get(stand.external, host)).seen?.name, 'v1');
});

test('a controller that is started anew goes on where it was, and Envoy does not notice', async (t) => {
  const stand = await standOf(t);
  await stand.ingress('app', { rules: [rule([{ splits: [stand.split('v1')] }])] });
  const before = await stand.until('app', isReady);
  await stand.stopController();
  t.is((await stand.get(stand.external, host)).seen?.name, 'v1');
  await stand.ingress('other', {
    rules: [rule([{ splits: [stand.split('v2')] }], { hosts: ['b.c'] })],
  });
  stand.startController();
  await stand.until('other', isReady);
  t.is((await stand.get(stand.external, host)).seen?.name, 'v1');
  t.deepEqual((await stand.read('app')).status, before.status);
});

test('what was missed while the API server forgot its past is made good', async (t) => {
  const stand = await standOf(t);
  const { tier } = await started;
  await stand.ingress('app', { rules: [rule([{ splits: [stand.split('v1')] }])] });
  await stand.ingress('going', {
    rules: [rule([{ splits: [stand.split('v1')] }], { hosts: ['b.c'] })],
  });
  await stand.until('app', isReady);
  await stand.until('going', isReady);
  await compact(tier.etcd);
  await tier.restartApiServer();
  await stand.removeIngress('going');
  await stand.ingress('app', { rules: [rule([{ splits: [stand.split('v2')] }])] });
  await stand.until('app', isReady);
  t.is((await stand.get(stand.external, host)).seen?.name, 'v2');
  while ((await stand.get(stand.external, 'b.c')).status !== 404) await delay(20);
  t.pass();
});

test('an Ingress of another class is not touched', async (t) => {
  const stand = await standOf(t);
  const spec = { rules: [rule([{ splits: [stand.split('v1')] }])] };
  const key = 'networking.knative.dev/ingress.class';
  for (const [name, annotations] of Object.entries({
    none: {},
    empty: { [key]: '' },
    other: { [key]: 'kourier.ingress.networking.knative.dev' },
  })) {
    await stand.ingress(name, spec, { metadata: { name, annotations } });
  }
  await stand.ingress('app', {
    rules: [rule([{ splits: [stand.split('v1')] }], { hosts: ['b.c'] })],
  });
  await stand.until('app', isReady);
  for (const name of ['none', 'empty', 'other']) t.is((await stand.read(name)).status, undefined);
  t.is((await stand.get(stand.external, host)).status, 404);
});

test('what cannot be rendered says why, and takes nothing from others', async (t) => {
  const stand = await standOf(t);
  await stand.ingress('app', { rules: [rule([{ splits: [stand.split('v1')] }])] });
  await stand.until('app', isReady);
  const messageOf = async (name: string): Promise<string> => {
    const found = await stand.until(name, ({ status }) => status?.conditions !== undefined);
    const network = found.status?.conditions?.find(({ type }) => type === 'NetworkConfigured');
    return `${network?.status} ${network?.reason} ${network?.message}`;
  };
  // Seconds are all that is known of an object's age.
  await delay(1_100);
  await stand.ingress('younger', { rules: [rule([{ splits: [stand.split('v2')] }])] });
  t.is(
    await messageOf('younger'),
    `False NotRendered spec.rules[0].hosts: ${host} belongs to the older Ingress ${stand.namespace}/app`,
  );
  await stand.ingress('headers', {
    rules: [
      rule([{ splits: [stand.split('v1')], appendHeaders: { 'a b': 'c' } }], { hosts: ['b.c'] }),
    ],
  });
  t.regex(
    await messageOf('headers'),
    /^False NotRendered spec\.rules\[0\]\.http\.paths\[0\]\.appendHeaders/,
  );
  await stand.ingress('tls', {
    rules: [rule([{ splits: [stand.split('v2')] }], { hosts: ['tls.test'] })],
    tls: [{ hosts: ['tls.test'], secretName: 'a', secretNamespace: stand.namespace }],
  });
  await stand.until('tls', (found) => conditionOf(found, 'Ready') === 'False TlsNotSupported');
  t.is((await stand.get(stand.external, 'tls.test')).seen?.name, 'v2');
  t.is((await stand.get(stand.external, host)).seen?.name, 'v1');

  await stand.removeIngress('app');
  await stand.until('younger', isReady);
  t.is((await stand.get(stand.external, host)).seen?.name, 'v2');
});

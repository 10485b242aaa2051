import anyTest from 'ava';
import { canonicalJson } from '../../../../functions/lib/canonical-json.ts';
import { mark } from '../../../../functions/mesh/istio/live-objects.ts';
import { accessObjects } from '../../../../knative/render/access.ts';
import { apiOfFile, type ApiTest } from '../../../cluster/api-of-file.ts';
import { installationOf } from '../../../knative/render/installations.ts';
import { intentOf } from '../../policy/examples.ts';
import { meshPolicy } from './examples.ts';
import { clientAs, istioDefinitions, meshStand, paths, policyBy, stalling } from './stand.ts';

const leaveOut: ApiTest = (title) => anyTest.serial.skip(title, () => undefined);
if (istioDefinitions === undefined) {
  process.stderr.write('left out: the programs of Istio are not built\n');
}
const test = istioDefinitions === undefined ? leaveOut : await apiOfFile();

test('Istio takes every object strictly; a second event writes nothing; a roll-back gives the exact bytes', async (t, {
  client,
}) => {
  const { setSpec, setRun, read, bytes, changed, tick, programmed, resources, namespace } =
    await meshStand(t, client, 'rolls');
  await setSpec();
  await changed();
  t.is(await programmed(), 'True Programmed');
  const before = await bytes();
  const routes = await read('VirtualService');
  t.is(routes?.metadata.annotations[mark.epoch], '1');
  await changed();
  t.is((await read('VirtualService'))?.metadata.resourceVersion, routes?.metadata.resourceVersion);

  const fault = { delay: { duration: '400ms', percent: 50 }, abort: { status: 418, percent: 1 } };
  await setRun({ phase: 'Running', intent: { ...intentOf(10), fault } });
  await changed();
  const during = await bytes();
  t.not(during, before);
  t.truthy(await read('EnvoyFilter'));
  t.is((await read('VirtualService'))?.metadata.annotations[mark.epoch], '2');
  const status = (await resources.get('TrafficPolicy', namespace, 'proxy'))?.status;
  t.is(status?.snapshot, 2);
  t.is(status?.renderedHash, (await read('VirtualService'))?.metadata.annotations[mark.hash]);

  await setRun({ phase: 'RolledBack', intent: intentOf(0, 2) });
  await changed();
  t.is(canonicalJson((await read('VirtualService'))?.spec), canonicalJson(routes?.spec));
  // What nobody asks for any more stays until proxies cannot have the routes of before.
  t.truthy(await read('EnvoyFilter'));
  await tick();
  t.is(await bytes(), before);
});

test('a writer that stalls between its reading and its writing never brings old weights back', async (t, {
  client,
}) => {
  const { setSpec, setRun, bytes, changed } = await meshStand(t, client, 'stalls');
  await setSpec();
  await changed();
  const before = await bytes();

  await setRun({ phase: 'Running', intent: intentOf(50, 1) });
  const stalled = stalling(client);
  const slow = changed(policyBy(stalled.client));
  await stalled.reached;
  // It has read the intent of 50 %. Rolled back, the traffic is what is in place: there would be nothing to write.
  await setRun({ phase: 'RolledBack', intent: intentOf(0, 2) });
  await changed();
  t.is(await bytes(), before);
  const seen: string[] = [];
  const watching = new AbortController();
  const path = '/apis/networking.istio.io/v1/namespaces/stalls/virtualservices';
  const watch = (async () => {
    const query = { watch: 'true' };
    for await (const line of client.lines({ method: 'GET', path, query }, watching.signal)) {
      seen.push(line);
    }
  })().catch(() => undefined);
  stalled.resume();
  await slow;
  t.is(await bytes(), before);
  watching.abort();
  await watch;
  t.false(seen.some((line) => line.includes('.variant')));
});

test('a writer that stalls before it makes an object does not overwrite the one that is there by then', async (t, {
  client,
}) => {
  const { setSpec, setRun, bytes, read, changed } = await meshStand(t, client, 'makes');
  await setSpec();
  await setRun({ phase: 'Running', intent: intentOf(50, 1) });
  const stalled = stalling(client);
  const slow = changed(policyBy(stalled.client));
  await stalled.reached;
  await setRun({ phase: 'RolledBack', intent: intentOf(0, 2) });
  await changed();
  const before = await bytes();
  stalled.resume();
  await slow;
  t.is(await bytes(), before);
  t.is((await read('VirtualService'))?.metadata.annotations[mark.epoch], '1');
});

test('what somebody changed or added is put right, and what he deleted is made again', async (t, {
  client,
}) => {
  const { setSpec, apply, bytes, changed, tick, namespace } = await meshStand(t, client, 'repairs');
  await setSpec();
  await changed();
  const before = await bytes();
  const path = `/apis/${paths.VirtualService.replace('NS', namespace)}`;
  await apply(path, {
    apiVersion: 'networking.istio.io/v1',
    kind: 'VirtualService',
    metadata: { name: 'proxy' },
    spec: { hosts: ['elsewhere'], exportTo: ['.'] },
  });
  t.not(await bytes(), before);
  await tick();
  t.is(await bytes(), before);
  const rule = `/apis/${paths.DestinationRule.replace('NS', namespace)}`;
  await client.call({ method: 'DELETE', path: rule });
  await tick();
  t.is(await bytes(), before);
});

const foreignObjects = {
  'of the same name': {
    kind: 'VirtualService',
    plural: 'virtualservices',
    name: 'proxy',
    spec: { hosts: ['another'], http: [] },
    said: /VirtualService foreign-0\/proxy was not made by Clover/,
  },
  'with routes for the host': {
    kind: 'VirtualService',
    plural: 'virtualservices',
    name: 'mine',
    spec: { hosts: ['proxy'], http: [] },
    said: /VirtualService foreign-1\/mine has routes for the host "proxy"/,
  },
  'with a subset of the host': {
    kind: 'DestinationRule',
    plural: 'destinationrules',
    name: 'mine',
    spec: { host: 'proxy.foreign-2', subsets: [{ name: 'v2', labels: { a: 'b' } }] },
    said: /DestinationRule foreign-2\/mine has a subset "v2" of the host/,
  },
} as const;

for (const [index, [title, object]] of Object.entries(foreignObjects).entries()) {
  test(`an object ${title} that Clover did not make is left alone, and named`, async (t, {
    client,
  }) => {
    const namespace = `foreign-${index}`;
    const { setSpec, apply, changed, programmed, read } = await meshStand(t, client, namespace);
    const { kind, plural, name, spec, said } = object;
    const path = `/apis/networking.istio.io/v1/namespaces/${namespace}/${plural}/${name}`;
    await apply(path, { apiVersion: 'networking.istio.io/v1', kind, metadata: { name }, spec });
    const before = await client.call({ method: 'GET', path });
    await setSpec();
    await changed();
    t.regex(await programmed(), new RegExp(`^False ForeignOwner .*${said.source}`));
    t.deepEqual(await client.call({ method: 'GET', path }), before);
    t.is(await read('DestinationRule'), undefined);

    await client.call({ method: 'DELETE', path });
    await changed();
    t.is(await programmed(), 'True Programmed');
  });
}

test('a Service that is not there, or lacks the port, is a condition, and nothing is rendered', async (t, {
  client,
}) => {
  const { setSpec, changed, programmed, read } = await meshStand(t, client, 'targets');
  await setSpec({ target: { host: 'prxy', port: 8080 } });
  await changed();
  t.is(
    await programmed(),
    'False TargetNotFound spec.target.host: there is no Service targets/prxy',
  );
  await setSpec({ target: { host: 'proxy', port: 81 } });
  await changed();
  t.regex(await programmed(), /^False TargetNotFound .*has no port 81, but 8080$/);
  t.is(await read('VirtualService'), undefined);
});

test('endpoints in place of labels are a condition here', async (t, { client }) => {
  const { setSpec, changed, resources, read } = await meshStand(t, client, 'endpoints');
  const endpoints = [{ address: '198.18.0.1', port: 80 }];
  await setSpec({ versions: [{ name: 'v1', endpoints }] });
  await changed();
  const policy = await resources.get('TrafficPolicy', 'endpoints', 'proxy');
  const accepted = policy?.status.conditions?.find(({ type }) => type === 'Accepted');
  t.like(accepted, { status: 'False', reason: 'Unsupported' });
  t.regex(accepted?.message ?? '', /^spec\.versions\[0\] \("v1"\) has endpoints/);
  t.is(await read('VirtualService'), undefined);
});

test('with the policy its routes go at once, the rest a tick later, and nobody else’s', async (t, {
  client,
}) => {
  const { setSpec, apply, changed, tick, read, resources, policy, namespace } = await meshStand(
    t,
    client,
    'leaves',
  );
  const path = `/apis/networking.istio.io/v1/namespaces/${namespace}/virtualservices/other`;
  const spec = { hosts: ['other'], http: [] };
  await apply(path, {
    apiVersion: 'networking.istio.io/v1',
    kind: 'VirtualService',
    metadata: { name: 'other' },
    spec,
  });
  await setSpec();
  await changed();
  await resources.delete('TrafficPolicy', namespace, 'proxy');
  await changed();
  t.is(await read('VirtualService'), undefined);
  t.truthy(await read('DestinationRule'));
  t.true(await policy.isActive?.('policy-resync'));
  await tick();
  t.is(await read('DestinationRule'), undefined);
  t.false(await policy.isActive?.('policy-resync'));
  await client.call({ method: 'GET', path });
});

test('a version that leaves goes after its routes', async (t, { client }) => {
  const { setSpec, changed, tick, read } = await meshStand(t, client, 'versions');
  const versions = meshPolicy().spec.versions;
  const names = async (): Promise<string[]> =>
    [...canonicalJson((await read('DestinationRule'))?.spec).matchAll(/"name":"(v\d)"/g)].map(
      ([, name = '']) => name,
    );
  await setSpec();
  await changed();
  const split = [{ split: [{ version: 'v2', weight: 1 }] }];
  await setSpec({ versions: versions.slice(1), rules: split });
  await changed();
  t.deepEqual((await names()).toSorted(), ['v1', 'v2', 'v3']);
  await tick();
  t.deepEqual(await names(), ['v2', 'v3']);
});

test('what was released before is read from the routes, and an old success does not come back', async (t, {
  client,
}) => {
  const { setSpec, setRun, changed, read } = await meshStand(t, client, 'released');
  await setSpec();
  await setRun({ phase: 'Succeeded', intent: intentOf(100, 2) });
  await changed();
  t.regex(canonicalJson((await read('VirtualService'))?.spec), /try-1\.2\.variant/);
  await setSpec({ rules: [{ split: [{ version: 'v2', weight: 1 }] }] });
  await changed();
  await setSpec();
  await changed(policyBy(client));
  t.regex(canonicalJson((await read('VirtualService'))?.spec), /"-\.3\.v1"/);
});

test('the rights that an installation gives the function are enough, and no more', async (t, {
  client,
  connection,
}) => {
  const { setSpec, setRun, changed, tick, programmed, read, resources, apply } = await meshStand(
    t,
    client,
    'rights',
  );
  for (const object of accessObjects(installationOf({ controlPlane: { istio: true } }))) {
    if (object.metadata.name !== 'clover-system-policy') continue;
    await apply(
      `/apis/${object.apiVersion}/${object.kind.toLowerCase()}s/${object.metadata.name}`,
      object,
    );
  }
  const limited = clientAs(connection, 'system:serviceaccount:clover-system:policy');
  const policy = policyBy(limited);
  await setSpec();
  await setRun({
    phase: 'Running',
    intent: { ...intentOf(50), fault: { abort: { status: 418, percent: 1 } } },
  });
  await changed(policy);
  t.is(await programmed(), 'True Programmed');
  t.truthy(await read('EnvoyFilter'));
  await resources.delete('TrafficPolicy', 'rights', 'proxy');
  await changed(policy);
  await tick(policy);
  t.is(await read('EnvoyFilter'), undefined);
  for (const path of ['/api/v1/secrets', '/apis/networking.istio.io/v1/gateways', '/api/v1/pods']) {
    const asked = limited.call({ method: 'GET', path });
    await t.throwsAsync(asked, { code: 'CLV_KUBERNETES_FORBIDDEN' }, path);
  }
});

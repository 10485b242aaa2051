import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import anyTest, { type ExecutionContext } from 'ava';
import { z } from 'zod';
import { systemClock } from '../../../../functions/lib/clock.ts';
import { CloverError } from '../../../../functions/lib/errors.ts';
import type { TrafficPolicySpec } from '../../../../knative/resources/traffic-policy.ts';
import { compile } from '../../../../functions/policy/compile.ts';
import { createEnvoyAdmin } from '../../../../functions/mesh/envoy/admin.ts';
import { renderEnvoy } from '../../../../functions/mesh/envoy/renderer.ts';
import {
  parseEnvoyResources,
  type EnvoyResources,
} from '../../../../functions/mesh/envoy/resources.ts';
import { createFileXdsGateway } from '../../../../functions/mesh/envoy/file-xds-gateway.ts';
import { openXdsFiles } from '../../../../functions/mesh/envoy/xds-files.ts';
import {
  client,
  envoyMissing,
  envoyStand,
  until,
  upstream,
  versionsOf,
  type EnvoyStand,
} from './envoy.ts';
import { policyOf } from '../../policy/examples.ts';

const withEnvoy = envoyMissing === undefined ? anyTest.serial : anyTest.serial.skip;

type Rules = TrafficPolicySpec['rules'];

const rivalReport = z.object({ written: z.number(), wentBack: z.number() });

const all = (version: string): Rules => [{ split: [{ version, weight: 1 }] }];

/** Resources of one policy in front of two upstreams. */
async function rendererOf(
  t: ExecutionContext,
  { port, xdsDir }: EnvoyStand,
): Promise<(rules: Rules, versions?: readonly string[]) => EnvoyResources> {
  const upstreams = await Promise.all([upstream(t, 'v1'), upstream(t, 'v2')]);
  return (rules, versions = ['v1', 'v2']) => {
    const known = versionsOf(upstreams).filter(({ name }) => versions.includes(name));
    const policy = policyOf({ target: { host: '*', port }, versions: known, rules });
    return renderEnvoy(compile([policy], []).form, xdsDir);
  };
}

async function offline(t: ExecutionContext): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'clover-xds-'));
  t.teardown(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

function renderAt(xdsDir: string, version: string): EnvoyResources {
  return renderEnvoy(compile([policyOf({ rules: all(version) })], []).form, xdsDir);
}

anyTest('without an Envoy the files are written and the answer is unknown', async (t) => {
  const xdsDir = await offline(t);
  const adminSocket = join(xdsDir, 'none.sock');
  const gateway = createFileXdsGateway({ xdsDir, adminSocket, clock: systemClock });
  t.is(gateway.fence(), 0);
  const { state } = await gateway.apply({ version: 3, resources: renderAt(xdsDir, 'v1') });
  t.is(state, 'unknown');
  t.is(gateway.fence(), 3);
  const routes = await readFile(join(xdsDir, 'rds-8080/rds.json'), 'utf8');
  t.regex(routes, /"version_info":"3"\}$/);
  gateway.close();
});

anyTest('a stalled writer with a lower version changes nothing', async (t) => {
  const xdsDir = await offline(t);
  const options = { xdsDir, adminSocket: join(xdsDir, 'none.sock'), clock: systemClock };
  const stalled = createFileXdsGateway(options);
  const current = createFileXdsGateway(options);
  const stalledFiles = openXdsFiles(xdsDir);
  await current.apply({ version: 7, resources: renderAt(xdsDir, 'v1') });
  const file = join(xdsDir, 'rds-8080/rds.json');
  const before = await readFile(file, 'utf8');
  const late = { version: 6, resources: renderAt(xdsDir, 'v2') };
  await t.throwsAsync(stalled.apply(late), { code: 'CLV_CONFLICT' });
  // Also in a file that the newer snapshot had no reason to rewrite, and between check and rename.
  t.throws(() => stalledFiles.replace('cds/cds.json', { version_info: '6', resources: [] }), {
    code: 'CLV_CONFLICT',
  });
  t.is(await readFile(file, 'utf8'), before);
});

anyTest('files that somebody spoiled or deleted are repaired by the same snapshot', async (t) => {
  const xdsDir = await offline(t);
  const adminSocket = join(xdsDir, 'none.sock');
  const gateway = createFileXdsGateway({ xdsDir, adminSocket, clock: systemClock });
  const snapshot = { version: 2, resources: renderAt(xdsDir, 'v1') };
  await gateway.apply(snapshot);
  const [routes, clusters] = [join(xdsDir, 'rds-8080/rds.json'), join(xdsDir, 'cds/cds.json')];
  const good = [await readFile(routes, 'utf8'), await readFile(clusters, 'utf8')];
  await writeFile(routes, '{"torn');
  await rm(clusters);
  await gateway.apply(snapshot);
  t.deepEqual([await readFile(routes, 'utf8'), await readFile(clusters, 'utf8')], good);
});

withEnvoy(
  'a refused part keeps the old traffic, names the reason, and survives a restart',
  async (t) => {
    const stand = await envoyStand(t);
    const render = await rendererOf(t, stand);
    const get = client(t, stand.port);
    await stand.start();
    await stand.gateway.apply({ version: 1, resources: render(all('v1')) });
    const fine = render([
      { match: [{ path: { regex: '/a(b)' } }], split: [{ version: 'v2', weight: 1 }] },
      ...all('v2'),
    ]);
    // Policies leave such a match out by themselves: what Envoy says is for whatever they do not know of.
    const bad = parseEnvoyResources(JSON.stringify(fine).replace('/a(b)', '/a(?=b)'));
    const error = await t.throwsAsync(stand.gateway.apply({ version: 2, resources: bad }), {
      instanceOf: CloverError,
    });
    t.is(error.code, 'CLV_GATEWAY_REJECTED');
    t.is(error.details[0]?.field, `routes/${stand.port}`);
    t.regex(error.details[0]?.message ?? '', /invalid perl operator/);
    t.is((await get()).body, 'v1');

    await stand.stop();
    await stand.start();
    const good = await stand.gateway.apply({ version: 3, resources: render(all('v1')) });
    t.is(good.state, 'acknowledged', good.message);
    t.is((await get()).body, 'v1');
  },
);

withEnvoy('clusters and listeners that Envoy refuses are named as well', async (t) => {
  const stand = await envoyStand(t);
  const render = await rendererOf(t, stand);
  await stand.start();
  const good = render(all('v1'));
  const [cluster] = versionsOf([{ port: 0, stamps: [] }]);
  const nowhere = { clusters: [{ name: 'x', endpoints: cluster?.endpoints ?? [] }], listeners: [] };
  const spoilt = JSON.stringify(renderEnvoy(nowhere, stand.xdsDir)).replace('127.0.0.1', 'nowhere');
  const { clusters } = parseEnvoyResources(spoilt);
  const error = await t.throwsAsync(
    stand.gateway.apply({ version: 1, resources: { ...good, clusters } }),
    { instanceOf: CloverError },
  );
  t.is(error.details[0]?.field, 'clusters');
  t.regex(error.details[0]?.message ?? '', /malformed IP address: nowhere/);

  const listeners = renderEnvoy(
    { clusters: [], listeners: [{ port: 70_000, hosts: [] }] },
    stand.xdsDir,
  );
  const refused = await t.throwsAsync(
    stand.gateway.apply({ version: 2, resources: { ...good, listeners: listeners.listeners } }),
    { instanceOf: CloverError },
  );
  t.is(refused.details[0]?.field, 'listeners');
  t.regex(refused.details[0]?.message ?? '', /PortValue|port_value/i);
});

withEnvoy(
  'an Envoy that comes later finds its files, and the next call is acknowledged',
  async (t) => {
    const stand = await envoyStand(t);
    const render = await rendererOf(t, stand);
    const snapshot = { version: 1, resources: render(all('v2')) };
    t.is((await stand.gateway.apply(snapshot)).state, 'unknown');
    await stand.start();
    const { state, message } = await stand.gateway.apply(snapshot);
    t.is(state, 'acknowledged', message);
    t.is((await client(t, stand.port)()).body, 'v2');

    await stand.stop();
    t.is((await stand.gateway.apply(snapshot)).state, 'unknown');
  },
);

withEnvoy(
  'a version leaves after its routes, and its port closes with the last policy',
  async (t) => {
    const stand = await envoyStand(t);
    const render = await rendererOf(t, stand);
    const get = client(t, stand.port);
    await stand.start();
    await stand.gateway.apply({ version: 1, resources: render(all('v1'), ['v1']) });
    t.is((await get()).body, 'v1');
    await stand.gateway.apply({ version: 2, resources: render(all('v2'), ['v2']) });
    t.is((await until(get, ({ body }) => body === 'v2')).body, 'v2');
    const files = openXdsFiles(stand.xdsDir);
    t.is(files.read('cds/cds.json')?.resources.length, 1);

    const nothing = { clusters: [], listeners: [], routes: {} };
    t.is((await stand.gateway.apply({ version: 3, resources: nothing })).state, 'acknowledged');
    t.deepEqual(files.ports(), []);
    t.is(files.read('cds/cds.json')?.resources.length, 0);
    const admin = createEnvoyAdmin({ socketPath: stand.adminSocket });
    t.is((await admin.subscriptions())?.get('cluster_manager.cds')?.version, '3');
    admin.close();
  },
);

anyTest('of two processes on one folder, the lower snapshot never wins', async (t) => {
  const xdsDir = await offline(t);
  const program = fileURLToPath(new URL('fixtures/rival-writer.ts', import.meta.url));
  const rivals = await Promise.all(
    [1, 2].map(() => promisify(execFile)(process.execPath, [program, xdsDir])),
  );
  for (const { stdout } of rivals) {
    const { written, wentBack } = rivalReport.parse(JSON.parse(stdout));
    t.true(written > 0);
    t.is(wentBack, 0);
  }
});

anyTest('a stalled writer does not take away the port of a newer snapshot', async (t) => {
  const files = openXdsFiles(await offline(t));
  files.replace('rds-80/rds.json', { version_info: '6', resources: [] });
  const error = t.throws(() => files.removePort('80', 5), { instanceOf: CloverError });
  t.is(error?.code, 'CLV_CONFLICT');
  files.removePort('80', 6);
  t.deepEqual(files.ports(), []);
});

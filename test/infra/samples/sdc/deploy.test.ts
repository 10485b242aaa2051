import { existsSync, readFileSync } from 'node:fs';
import test, { type ExecutionContext } from 'ava';
import { z } from 'zod';
import { createSdc, type Sdc } from '../../../../infra/samples/sdc/deploy.ts';
import { startLoad } from '../../../../infra/samples/sdc/load.ts';
import { createNetwork } from '../../../../infra/samples/sdc/network.ts';
import { sdcPods, sdcPort } from '../../../../infra/samples/sdc/topology.ts';
import { supervisedRun, type SupervisedRun } from '../../../cloverctl/supervisor/supervised-run.ts';

const podDirectory = z.object({
  pods: z.array(
    z.object({ name: z.string(), interface: z.string(), labels: z.record(z.string(), z.string()) }),
  ),
});

function setUp(t: ExecutionContext): SupervisedRun & { sdc: Sdc } {
  const supervised = supervisedRun(t);
  return { ...supervised, sdc: createSdc(supervised) };
}

test('what the load generator counts is what every nginx on the way counts', async (t) => {
  const { supervisor, sdc } = setUp(t);
  await sdc.up();
  const load = await startLoad({
    supervisor,
    namespace: sdc.network.namespaceOf('client'),
    plan: { host: sdcPods['proxy-v1'].address, port: sdcPort, rate: 200, maxRequests: 300 },
  });
  const report = await load.finished;

  t.is(report.sent, 300);
  t.is(report.open, 0);
  t.is(report.unattributed, 0, JSON.stringify(report.errors));
  t.deepEqual(report.stamps[0]?.status, { '200': 300 });
  t.is(await sdc.served('proxy-v1'), 300);
  t.is(await sdc.served('lb'), 300);
  const web = await Promise.all(
    (['web-1', 'web-2', 'web-3'] as const).map((pod) => sdc.served(pod)),
  );
  t.deepEqual(web, [100, 100, 100]);
});

test('a load that is told to stop ends with nothing open, and counts requests that found nobody', async (t) => {
  const { supervisor, sdc } = setUp(t);
  await sdc.up();
  const load = await startLoad({
    supervisor,
    namespace: sdc.network.namespaceOf('client'),
    plan: { host: sdcPods.client.address, port: 9, rate: 100 },
  });
  while ((load.latest()?.sent ?? 0) === 0) {
    await new Promise((resolve) => {
      setTimeout(resolve, 50);
    });
  }
  const report = await load.stop();
  t.true(report.final);
  t.is(report.open, 0);
  t.true(report.sent > 0);
  t.deepEqual(report.errors, { ECONNREFUSED: report.sent });
  t.is(report.unattributed, report.sent);
});

test('a version that is added later stands in the pod directory with its interface', async (t) => {
  const { sdc, run } = setUp(t);
  await sdc.up();
  t.false(readFileSync(sdc.podsFile, 'utf8').includes('proxy-v2'));
  await sdc.addVersion('v2');
  await sdc.addVersion('v2');
  const { pods } = podDirectory.parse(JSON.parse(readFileSync(sdc.podsFile, 'utf8')));
  t.is(pods.length, 8);
  const pod = pods.find(({ name }) => name === 'proxy-v2');
  t.deepEqual(pod?.labels, {
    'app.kubernetes.io/name': 'proxy',
    'app.kubernetes.io/version': 'v2',
  });
  t.true(existsSync(`/sys/class/net/${pod?.interface}`));
  await sdc.stop();
  await sdc.stop();
  const { namespaces, links, processes } = run.record;
  t.false(namespaces.some((name) => existsSync(`/run/netns/${name}`)));
  t.false(links.some((name) => existsSync(`/sys/class/net/${name}`)));
  t.deepEqual(processes, []);
});

test('making and deleting the network twice changes nothing the second time', async (t) => {
  const { run } = setUp(t);
  const network = createNetwork('t0t0', run);
  await network.add(['client', 'lb']);
  await network.add(['client', 'lb']);
  t.true(existsSync('/run/netns/clvt0t0-client'));
  await network.delete();
  await network.delete();
  t.false(existsSync('/run/netns/clvt0t0-client'));
  t.false(existsSync('/sys/class/net/clvt0t0'));
});

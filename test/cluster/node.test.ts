import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import test from 'ava';
import { z } from 'zod';
import { builtTier } from './tiers.ts';
import type { NodeTier } from './tiers/node.ts';
import { writeImage } from './image.ts';
import { whyLeftOut, withCluster } from './with-cluster.ts';

const run = promisify(execFile);
const image = 'dev.local/echo:1';
const app = { app: 'echo' };

const objects = {
  apiVersion: 'v1',
  kind: 'List',
  items: [
    {
      apiVersion: 'apps/v1',
      kind: 'Deployment',
      metadata: { name: 'echo' },
      spec: {
        replicas: 2,
        selector: { matchLabels: app },
        template: {
          metadata: { labels: app },
          spec: {
            terminationGracePeriodSeconds: 1,
            containers: [
              {
                name: 'echo',
                image,
                args: ['serve', ':8080'],
                readinessProbe: { httpGet: { path: '/ready', port: 8080 }, periodSeconds: 1 },
              },
            ],
          },
        },
      },
    },
    {
      apiVersion: 'v1',
      kind: 'Service',
      metadata: { name: 'echo' },
      spec: { selector: app, ports: [{ port: 80, targetPort: 8080 }] },
    },
  ],
};

const pod = z.object({
  metadata: z.object({ name: z.string() }),
  status: z.object({
    podIP: z.string(),
    containerStatuses: z.array(z.object({ containerID: z.string() })),
  }),
});
const service = z.object({ spec: z.object({ clusterIP: z.string() }) });
const link = z.object({ ifindex: z.int(), ifname: z.string(), link_index: z.int().optional() });

interface Shared {
  readonly tier: NodeTier;
  readonly pods: readonly z.output<typeof pod>[];
  readonly clusterIp: string;
}

const why = await whyLeftOut('node');
if (why !== undefined) process.stderr.write(`${why}\n`);
const serial = why === undefined ? test.serial : test.serial.skip;
const started = Promise.withResolvers<Shared>();
const ends: (() => unknown)[] = [];

if (why === undefined) {
  test.before('a Deployment of two pods becomes Ready', async (t) => {
    t.timeout(300_000);
    const tier = await withCluster({ teardown: (end) => ends.push(end) }, 'node');
    const programs = await builtTier('node');
    const file = join(tier.folder, 'echo.tar');
    await writeImage({ name: image, program: programs?.['echo'] ?? '' }, file);
    await tier.importImage(file);
    await tier.kubectl(['apply', '-f', '-'], JSON.stringify(objects));
    const available = '--for=condition=Available';
    await tier.kubectl(['wait', available, '--timeout=120s', 'deployment/echo']);
    const list = await tier.kubectl(['get', 'pods', '-l', 'app=echo', '-o', 'json']);
    const { items } = z.object({ items: z.array(pod) }).parse(JSON.parse(list));
    const found = JSON.parse(await tier.kubectl(['get', 'service/echo', '-o', 'json'])) as unknown;
    const { clusterIP: clusterIp } = service.parse(found).spec;
    await reached(`http://${clusterIp}/`);
    started.resolve({ tier, pods: items, clusterIp });
  });
}
test.after.always('the cluster is taken down', async () => {
  for (const end of ends) await end();
});

/** A Deployment is Available before the node's routing has heard of its pods. */
async function reached(url: string): Promise<void> {
  for (let attempt = 0; attempt < 100; attempt++) {
    const answer = await fetch(url).catch(() => undefined);
    if (answer?.ok === true) return;
    await sleep(100);
  }
  throw new Error(`${url} is not reached 10 s after its pods are ready`);
}

/** What a program says that runs in a pod beside its own. */
function inside({ tier, pods }: Shared, ...args: readonly string[]): Promise<string> {
  return tier.kubectl(['exec', `pod/${pods[0]?.metadata.name}`, '--', '/program', ...args]);
}

serial('a Service is reached from the machine and from a pod', async (t) => {
  const shared = await started.promise;
  const names = shared.pods.map(({ metadata }) => metadata.name);
  t.is(names.length, 2);
  const answer = await fetch(`http://${shared.clusterIp}/from-the-machine`);
  t.true(names.includes((await answer.text()).trim()));
  t.true(names.includes((await inside(shared, 'get', `http://${shared.clusterIp}/`)).trim()));
});

serial('a Service has a name in pods, short and long; other names do not exist', async (t) => {
  const shared = await started.promise;
  for (const name of ['echo', 'echo.default', 'echo.default.svc.cluster.local']) {
    t.is((await inside(shared, 'lookup', name)).trim(), shared.clusterIp);
  }
  await t.throwsAsync(inside(shared, 'lookup', 'example.com'), { message: /no such host/ });
});

serial('a pod reaches the API server, and nothing outside of the machine', async (t) => {
  const shared = await started.promise;
  await t.throwsAsync(inside(shared, 'get', 'https://kubernetes.default.svc/'), {
    message: /certificate signed by unknown authority/,
  });
  // A documentation range: https://www.rfc-editor.org/rfc/rfc5737
  await t.throwsAsync(inside(shared, 'get', 'http://192.0.2.1/'), { message: /unreachable/ });
  const nowhere = shared.tier.network.block.replace('0.0/16', '200.1');
  await t.throwsAsync(inside(shared, 'get', `http://${nowhere}/`), {
    message: /unreachable|no route/,
  });
});

serial('logs are what the program has written', async (t) => {
  const { tier, pods } = await started.promise;
  const path = `/logged-${process.pid}`;
  await fetch(`http://${pods[1]?.status.podIP}:8080${path}`);
  const said = await tier.kubectl(['logs', `pod/${pods[1]?.metadata.name}`]);
  t.true(said.startsWith('serving :8080\n'));
  t.true(said.includes(`GET ${path}\n`));
});

/** The links of a network namespace. */
async function linksOf(namespace: string): Promise<z.output<typeof link>[]> {
  const { stdout } = await run('nsenter', [`--net=${namespace}`, 'ip', '-j', 'link', 'show']);
  return z.array(link).parse(JSON.parse(stdout));
}

serial("a pod's link is found from its process", async (t) => {
  const { tier, pods } = await started.promise;
  const [id = ''] = pods[0]?.status.containerStatuses.map(({ containerID }) => containerID) ?? [];
  const pid = await tier.pidOf(id);
  const own = (await linksOf(`/proc/${pid}/ns/net`)).find(({ ifname }) => ifname === 'eth0');
  const others = await linksOf(`/run/netns/${tier.network.namespace}`);
  const other = others.find(({ ifindex }) => ifindex === own?.link_index);
  t.is(other?.link_index, own?.ifindex);
  t.regex(other?.ifname ?? '', /^veth/);
});

serial('two clusters at one time do not meet', async (t) => {
  const { tier, pods } = await started.promise;
  const other = await withCluster(t, 'node');
  t.not(other.network.block, tier.network.block);
  t.not(other.cgroup, tier.cgroup);
  t.is(await other.kubectl(['get', 'pods', '-o', 'name']), '');
  const answer = await fetch(`http://${pods[0]?.status.podIP}:8080/`);
  t.is((await answer.text()).trim(), pods[0]?.metadata.name ?? '');
});

import { setTimeout as sleep } from 'node:timers/promises';
import test, { type ExecutionContext } from 'ava';
import { parseAllDocuments } from 'yaml';
import { z } from 'zod';
import { loadReport, type LoadReport } from '../../infra/samples/sdc/load-report.ts';
import { webPage } from '../../infra/samples/sdc/nginx-config.ts';
import { kubectlLines } from './kubectl.ts';
import { endClient, runClient, startClient } from './sdc/client.ts';
import { importSdcImages } from './sdc/images.ts';
import { sdcManifests } from './sdc/manifests.ts';
import type { NodeTier } from './tiers/node.ts';
import { whyLeftOut, withCluster } from './with-cluster.ts';

const why = await whyLeftOut('node');
if (why !== undefined) process.stderr.write(`${why}\n`);
const serial = why === undefined ? test.serial : test.serial.skip;
const started = Promise.withResolvers<NodeTier>();
const ends: (() => unknown)[] = [];
const versions = ['v1', 'v2', 'v3'] as const;
const inSample = ['-n', 'sdc'] as const;

if (why === undefined) {
  test.before('every part of the sample becomes Available', async (t) => {
    t.timeout(300_000);
    const tier = await withCluster({ teardown: (end) => ends.push(end) }, 'node');
    await importSdcImages(tier);
    await applyBase(tier);
    for (const version of ['v2', 'v3']) {
      await tier.kubectl(['apply', '-f', sdcManifests.version(version)]);
    }
    const available = ['wait', '--for=condition=Available', '--timeout=120s'];
    await tier.kubectl([...available, ...inSample, 'deployment', '--all']);
    // A pod is Ready a moment before its Service leads to it.
    for (const version of versions) {
      const [pod] = await podsOf(tier, 'proxy', version);
      while (!(await fetch(`http://${pod?.status.podIP}:8080/`)).ok) await sleep(50);
    }
    started.resolve(tier);
  });
}
test.after.always('the cluster is taken down', async () => {
  for (const end of ends.toReversed()) await end();
});

const manifest = z.looseObject({ apiVersion: z.string() });

/** Applies the sample but for what it says to the mesh: there is none here. */
async function applyBase(tier: NodeTier): Promise<void> {
  const text = await tier.kubectl(['kustomize', sdcManifests.base]);
  const items = parseAllDocuments(text)
    .map((document) => manifest.parse(document.toJS()))
    .filter(({ apiVersion }) => !apiVersion.startsWith('security.istio.io/'));
  const list = { apiVersion: 'v1', kind: 'List', items };
  await tier.kubectl(['apply', '-f', '-'], JSON.stringify(list));
}

const pods = z.object({
  items: z.array(
    z.object({
      metadata: z.object({ name: z.string() }),
      status: z.object({ podIP: z.string() }),
    }),
  ),
});

async function podsOf(tier: NodeTier, app: string, version?: string) {
  const labels = [
    `app.kubernetes.io/name=${app}`,
    ...(version === undefined ? [] : [`app.kubernetes.io/version=${version}`]),
  ].join(',');
  const found = await tier.kubectl(['get', 'pods', ...inSample, '-l', labels, '-o', 'json']);
  return pods.parse(JSON.parse(found)).items;
}

/** Requests that the pods of an app have served by nginx's own counters; each call of this is one more at each pod. */
async function counted(tier: NodeTier, app: string, version?: string): Promise<number> {
  let sum = 0;
  for (const { metadata } of await podsOf(tier, app, version)) {
    const path = `/api/v1/namespaces/sdc/pods/${metadata.name}:8081/proxy/`;
    const page = await tier.kubectl(['get', '--raw', path]);
    // Third number of the line below "server accepts handled requests".
    sum += Number(/^\s*\d+\s+\d+\s+(\d+)\s*$/m.exec(page)?.[1]);
  }
  return sum;
}

function assertExact(t: ExecutionContext, report: LoadReport): void {
  const { final, open, sent, unattributed, errors, stamps } = report;
  t.deepEqual(
    { final, open, unattributed, errors },
    { final: true, open: 0, unattributed: 0, errors: {} },
  );
  t.deepEqual(
    stamps.map(({ stamp, status }) => ({ stamp, status })),
    [{ stamp: '', status: { '200': sent } }],
  );
}

serial('each version of the proxy answers with the page of the web servers', async (t) => {
  const tier = await started.promise;
  for (const version of versions) {
    const [pod] = await podsOf(tier, 'proxy', version);
    const answer = await fetch(`http://${pod?.status.podIP}:8080/`);
    t.is(answer.headers.get('x-proxy-version'), version);
    t.is(await answer.text(), webPage);
  }
});

serial('what the client counts is what every nginx on the way counts', async (t) => {
  const tier = await started.promise;
  const addresses = await Promise.all(
    versions.map(async (version) => (await podsOf(tier, 'proxy', version))[0]?.status.podIP ?? ''),
  );
  const counts = async (): Promise<number[]> =>
    Promise.all([
      counted(tier, 'gateway'),
      ...versions.map((version) => counted(tier, 'proxy', version)),
      counted(tier, 'lb'),
      counted(tier, 'web'),
    ]);
  const before = await counts();
  for (const host of addresses) {
    const plan = { host, port: 8080, rate: 200, maxRequests: 100 };
    const report = await runClient(tier, plan);
    assertExact(t, report);
    t.is(report.sent, 100);
    await tier.kubectl(['delete', ...inSample, 'job/client']);
  }
  const after = await counts();
  const pages = [1, 1, 1, 1, 1, 3];
  t.deepEqual(
    after.map((count, index) => count - (before[index] ?? 0) - (pages[index] ?? 0)),
    [0, 100, 100, 100, 300, 300],
  );
});

serial('a client that is told to end has nothing open, and its account is exact', async (t) => {
  const tier = await started.promise;
  const before = await counted(tier, 'gateway');
  await startClient(tier);
  for await (const line of kubectlLines(tier, 'logs', '-f', ...inSample, 'job/client')) {
    if (loadReport.parse(JSON.parse(line)).sent > 0) break;
  }
  const report = await endClient(tier);
  assertExact(t, report);
  t.is((await counted(tier, 'gateway')) - before - 1, report.sent);
});

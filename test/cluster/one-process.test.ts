import { execFile } from 'node:child_process';
import { rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import test from 'ava';
import { z } from 'zod';
import { version } from '../../functions/lib/version.ts';
import { nobody } from '../../knative/render/security-context.ts';
import { everything } from '../cloverctl/installation/cluster.ts';
import { runCli, type CliResult } from '../cloverctl/run-cli.ts';
import { importClover } from './clover-images.ts';
import { cloverBefore } from './installation/clover-before.ts';
import { field, own } from './installation/guarded.ts';
import { makeLocalVolume } from './installation/local-volume.ts';
import { readNodeLedger } from './installation/node-agent.ts';
import { policyOfWeb, shop, tapOf } from './installation/objects.ts';
import { sendFrom, startPod, type RunningPod } from './installation/pods.ts';
import { cloverNamespace, imageNames } from './installation/prepare.ts';
import {
  apply,
  isSettled,
  ledgerWhen,
  spansOf,
  startOneProcessStage,
  type NodeStage,
} from './installation/stage.ts';
import { whyLeftOut } from './with-cluster.ts';

const why = await whyLeftOut('node');
if (why !== undefined) process.stderr.write(`${why}\n`);
const serial = why === undefined ? test.serial : test.serial.skip;
const started = Promise.withResolvers<NodeStage & { readonly volume: string }>();
const pods = Promise.withResolvers<{ readonly web: RunningPod; readonly client: RunningPod }>();
/** Of the agent that the upgrade has replaced. */
const formerBoot = Promise.withResolvers<string>();
const ends: (() => unknown)[] = [];
const oneProcess = { oneProcess: true };

if (why === undefined) {
  test.before('a cluster without Knative has what docs/install.md asks for', async (t) => {
    t.timeout(600_000);
    let volume = '';
    const stage = await startOneProcessStage(
      ends,
      async (tier) => {
        volume = await makeLocalVolume(tier);
      },
      cloverBefore,
    );
    started.resolve({ ...stage, volume });
  });
}
test.after.always('the cluster is taken down', async () => {
  for (const end of ends.toReversed()) await end();
});

const statusAnswer = z.object({
  version: z.string(),
  parts: z.array(z.object({ name: z.string(), ready: z.boolean(), pods: z.int() })),
});
const redAnswer = z.object({
  rows: z.array(
    z.object({ service: z.string(), kind: z.string(), requests: z.int(), errors: z.int() }),
  ),
});
const report = z.object({ sequence: z.int() });

/** A token of the installation, by its Secret. */
async function tokenOf(stage: NodeStage, secret: string): Promise<string> {
  const found = await field(stage, '{.data.token}', ...own, `secret/${secret}`);
  return Buffer.from(found, 'base64').toString();
}

/** Asks the control plane with a token, at the address of its Service. */
async function askWith(
  stage: NodeStage,
  token: string,
  ...args: readonly string[]
): Promise<CliResult> {
  const address = await field(stage, '{.spec.clusterIP}', ...own, 'service/control-plane');
  const variables = { CLOVER_SERVER: `http://${address}:7700`, CLOVER_TOKEN: token };
  return runCli(args, { variables });
}

/** The last report of an agent, in the database on the volume of the control plane; 0: none. */
function lastReportOf(volume: string, boot: string): number {
  const db = new DatabaseSync(join(volume, 'clover/evidence.db'), { readOnly: true });
  try {
    const query = `SELECT sequence FROM source WHERE name LIKE '%/' || ?`;
    return report.optional().parse(db.prepare(query).get(boot))?.sequence ?? 0;
  } finally {
    db.close();
  }
}

const imagesOf = async (stage: NodeStage): Promise<readonly string[]> =>
  (await field(stage, '{.items[*].spec.containers[*].image}', ...own, 'pods')).split(' ').sort();

const imagesWith = (tag: string): readonly string[] =>
  imageNames(oneProcess).map((name) => `dev.local/clover-${name}:${tag}`);

serial('install brings all functions in one process, on a volume, and the agents', async (t) => {
  t.timeout(300_000);
  const stage = await started.promise;
  const { cloverctlBefore, settings, volume } = stage;
  const installed = await cloverctlBefore('install', '-f', settings, '--timeout', '4m');
  t.is(installed.code, 0, `${installed.stdout}\n${installed.stderr}`);
  t.is(installed.stderr, '');
  const lines = installed.stdout.trimEnd().split('\n');
  t.regex(lines[0] ?? '', /no Knative Serving, no Knative Eventing, no Istio: .*in one process$/);
  t.is(lines.at(-1), `Clover 0.0.9 is ready in ${cloverNamespace}.`);
  t.deepEqual(await imagesOf(stage), imagesWith('0.0.9').toSorted());
  const claim = [...own, 'persistentvolumeclaim/control-plane-data'];
  t.is(await field(stage, '{.status.phase}', ...claim), 'Bound');
  // The process is not root: it writes there because the volume is its group's.
  t.is((await stat(volume)).gid, nobody);
  t.is((await stat(join(volume, 'clover/evidence.db'))).uid, nobody);
});

serial('a Tap makes spans of the requests between two pods, which cloverctl reads', async (t) => {
  t.timeout(180_000);
  const stage = await started.promise;
  await apply(stage, { apiVersion: 'v1', kind: 'Namespace', metadata: { name: shop } });
  const web = await startPod(stage.tier, shop, 'web');
  const client = await startPod(stage.tier, shop, 'client');
  pods.resolve({ web, client });
  await apply(stage, tapOf(shop, { ports: [8_080] }));
  await ledgerWhen(stage, ({ attachments }) => attachments.attached === 2);
  const plan = { host: web.address, path: '/first', maxRequests: 1_000 };
  const { sent, unattributed } = await sendFrom(client, plan).ended;
  t.deepEqual({ sent, unattributed }, { sent: 1_000, unattributed: 0 });
  const ledger = await ledgerWhen(stage, isSettled);
  t.is(ledger.unexplained, 0);
  t.deepEqual(await spansOf(stage, '/first'), { Server: sent, Client: sent });
  const token = await tokenOf(stage, 'control-plane-token');
  const asked = await askWith(stage, token, 'red', '--last', '10m', '-o', 'json');
  t.is(asked.code, 0, asked.stderr);
  const { rows } = redAnswer.parse(JSON.parse(asked.stdout));
  t.true(
    rows.some(({ service, requests }) => service === 'web' && requests === sent),
    asked.stdout,
  );
});

serial('the token that is mounted on nodes may not read what they have sent', async (t) => {
  const stage = await started.promise;
  const agents = await askWith(stage, await tokenOf(stage, 'agent-token'), 'red');
  t.not(agents.code, 0);
  const none = await askWith(stage, 'nobody', 'red');
  t.not(none.code, 0);
});

serial('a policy is told that nobody programs it', async (t) => {
  t.timeout(60_000);
  const stage = await started.promise;
  await apply(stage, policyOfWeb);
  const told = ['wait', '--for=condition=Programmed=False', '--timeout=50s', '-n', shop];
  await t.notThrowsAsync(stage.tier.kubectl([...told, 'trafficpolicy/web']));
});

serial(
  'an upgrade under load brings the other images, and neither loses, doubles nor forgets anything',
  async (t) => {
    t.timeout(400_000);
    const stage = await started.promise;
    const { tier, volume, cloverctl } = stage;
    const { web, client } = await pods.promise;
    const tokens = async (): Promise<readonly string[]> =>
      Promise.all(['control-plane-token', 'agent-token'].map((name) => tokenOf(stage, name)));
    const before = { tokens: await tokens(), ledger: await readNodeLedger(tier) };
    await importClover(tier, imageNames(oneProcess));
    const load = sendFrom(client, { host: web.address, path: '/upgraded', rate: 100 });
    const refused = await cloverctl('install');
    t.regex(refused.stderr, /Clover 0\.0\.9 is in clover-system.*cloverctl upgrade/);
    const upgraded = await cloverctl('upgrade', '--timeout', '5m');
    t.is(upgraded.code, 0, `${upgraded.stdout}\n${upgraded.stderr}`);
    const last = upgraded.stdout.trimEnd().split('\n').at(-1);
    t.is(last, `Clover ${version} is ready in ${cloverNamespace}.`);
    const { sent, unattributed } = await load.stop();
    t.is(unattributed, 0);
    const { boot } = before.ledger;
    formerBoot.resolve(boot);
    const ledger = await ledgerWhen(stage, (now) => now.boot !== boot && isSettled(now));
    t.is(ledger.unexplained, 0);
    t.deepEqual(await spansOf(stage, '/upgraded'), { Server: sent, Client: sent });
    // The agent of before may still hand on what it has.
    while ((await imagesOf(stage)).includes('dev.local/clover-agent:0.0.9')) await sleep(200);
    t.deepEqual(await imagesOf(stage), imagesWith(version).toSorted());
    t.deepEqual(await tokens(), before.tokens, 'who knew them still may call');
    const status = statusAnswer.parse(JSON.parse((await cloverctl('status', '-o', 'json')).stdout));
    t.is(status.version, version);
    t.true(status.parts.every(({ ready }) => ready));

    // What was told before is there still, and so is what came while nobody could take it.
    t.true(lastReportOf(volume, boot) >= before.ledger.evidence.accepted);
    while (lastReportOf(volume, ledger.boot) < ledger.evidence.accepted) await sleep(200);
    const token = before.tokens[0] ?? '';
    const records = await askWith(stage, token, 'get', 'events', '-n', shop);
    t.regex(records.stdout, /PolicyRejected/);
  },
);

serial(
  'a Prometheus of the cluster may scrape the agent at the address of its node, once that is asked for',
  async (t) => {
    t.timeout(300_000);
    const stage = await started.promise;
    const { tier, cloverctl } = stage;
    const upgraded = await cloverctl('upgrade', '--set', 'agent.metricsPort=9465');
    t.is(upgraded.code, 0, `${upgraded.stdout}\n${upgraded.stderr}`);
    const found = ['endpointslices', '-l', 'kubernetes.io/service-name=agent'];
    const target = '{.items[0].endpoints[0].addresses[0]}:{.items[0].ports[0].port}';
    const url = `http://${await field(stage, target, ...own, ...found)}`;
    t.is(url, `http://${tier.network.node}:9465`);

    const account = ['prometheus', '-n', shop];
    await tier.kubectl(['create', 'serviceaccount', ...account]);
    const token = (await tier.kubectl(['create', 'token', ...account])).trim();
    const headers = { authorization: `Bearer ${token}` };
    t.is((await fetch(`${url}/metrics`)).status, 401);
    t.is((await fetch(`${url}/metrics`, { headers })).status, 403);
    const role = [
      '--clusterrole=clover-system-metrics-reader',
      `--serviceaccount=${shop}:prometheus`,
    ];
    const binding = ['clusterrolebinding', 'prometheus-metrics'];
    await tier.kubectl(['create', ...binding, ...role]);
    t.teardown(() => tier.kubectl(['delete', ...binding]));
    await ledgerWhen(stage, ({ attachments }) => attachments.attached === 2);
    const scraped = await fetch(`${url}/metrics`, { headers });
    t.is(scraped.status, 200);
    t.regex(await scraped.text(), /^clover_agent_points_attached 2$/m);
    t.is((await fetch(`${url}/ledger`, { headers })).status, 404);
  },
);

/** As docs/operations.md has it around a snapshot of the volume. */
async function scaleControlPlane({ tier }: NodeStage, replicas: 0 | 1): Promise<void> {
  const deployment = [...own, 'deployment/control-plane'];
  await tier.kubectl(['scale', ...deployment, `--replicas=${replicas}`]);
  const ofIt = [...own, 'pods', '-l', 'app.kubernetes.io/name=control-plane'];
  const wait =
    replicas === 0 ? ['wait', '--for=delete', ...ofIt] : ['rollout', 'status', ...deployment];
  await tier.kubectl([...wait, '--timeout=120s']);
}

serial('a snapshot of the volume brings back what was on it', async (t) => {
  t.timeout(400_000);
  const stage = await started.promise;
  const { volume } = stage;
  const boot = await formerBoot.promise;
  await scaleControlPlane(stage, 0);
  const known = lastReportOf(volume, boot);
  t.true(known > 0);
  const snapshot = `${volume}-snapshot`;
  await promisify(execFile)('cp', ['-a', volume, snapshot]);
  await rm(join(volume, 'clover'), { recursive: true });
  await scaleControlPlane(stage, 1);
  t.is(lastReportOf(volume, boot), 0, 'an agent of before reports no more');

  await scaleControlPlane(stage, 0);
  await rm(join(volume, 'clover'), { recursive: true });
  await promisify(execFile)('cp', ['-a', join(snapshot, 'clover'), volume]);
  await scaleControlPlane(stage, 1);
  t.is(lastReportOf(volume, boot), known);
  const { boot: present, evidence } = await readNodeLedger(stage.tier);
  while (lastReportOf(volume, present) < evidence.accepted) await sleep(200);
  t.pass('and takes what agents report');
});

serial('uninstall leaves nothing', async (t) => {
  t.timeout(300_000);
  const { cloverctl, client, before, tier } = await started.promise;
  const refused = await cloverctl('uninstall');
  t.is(refused.code, 1);
  t.regex(refused.stderr, /1 taps, 1 trafficpolicies, 1 persistentvolumeclaims/);
  const removed = await cloverctl('uninstall', '--delete-data');
  t.is(removed.code, 0, removed.stderr);
  await tier.kubectl(['delete', 'namespace', shop]);
  const left = async (): Promise<readonly string[]> =>
    (await everything(client)).filter((name) => !before.includes(name));
  while ((await left()).length > 0) await sleep(1_000);
  const after = await everything(client);
  t.deepEqual(
    before.filter((name) => !after.includes(name)),
    [],
    'of others everything is there',
  );
});

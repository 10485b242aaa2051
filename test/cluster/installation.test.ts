import { setTimeout as sleep } from 'node:timers/promises';
import test from 'ava';
import { z } from 'zod';
import { webhookFinding } from '../../cloverctl/doctor/webhook-finding.ts';
import { version } from '../../functions/lib/version.ts';
import { catalogue } from '../../knative/catalogue.ts';
import { changesOf, everything } from '../cloverctl/installation/cluster.ts';
import { readNodeLedger } from './installation/node-agent.ts';
import { experimentOnWeb, policyOfWeb, shop, tapOf } from './installation/objects.ts';
import { sendFrom, startPod, type RunningPod } from './installation/pods.ts';
import { cloverNamespace } from './installation/prepare.ts';
import { becomeSplitter } from './installation/stamped.ts';
import {
  apply,
  isSettled,
  ledgerWhen,
  podsOf,
  podsWhen,
  spansOf,
  startStage,
  type Stage,
} from './installation/stage.ts';
import { whyLeftOut } from './with-cluster.ts';

const why = await whyLeftOut('knative');
if (why !== undefined) process.stderr.write(`${why}\n`);
const serial = why === undefined ? test.serial : test.serial.skip;
const started = Promise.withResolvers<Stage>();
const ends: (() => unknown)[] = [];
const namespaces = z.object({
  items: z.array(z.object({ metadata: z.object({ name: z.string() }) })),
});

if (why === undefined) {
  test.before('a cluster has what docs/install.md asks for', async (t) => {
    t.timeout(900_000);
    started.resolve(await startStage(ends));
  });
}
test.after.always('the cluster is taken down', async () => {
  for (const end of ends.toReversed()) await end();
});

const inClover = ['-n', cloverNamespace];
const recordsAnswer = z.object({ items: z.array(z.object({ reason: z.string() })) });
const statusAnswer = z.object({
  parts: z.array(z.object({ name: z.string(), ready: z.boolean(), pods: z.int() })),
});
const doctorAnswer = z.object({
  findings: z.array(z.object({ check: z.string(), state: z.string(), found: z.string() })),
});
const pods = Promise.withResolvers<{ readonly web: RunningPod; readonly client: RunningPod }>();

serial('install brings all of Clover, waits until it is ready, and tells it', async (t) => {
  t.timeout(600_000);
  const { cloverctl, settings } = await started.promise;
  const installed = await cloverctl('install', '-f', settings, '--timeout', '9m');
  t.is(installed.code, 0, `${installed.stdout}\n${installed.stderr}`);
  const lines = installed.stdout.trimEnd().split('\n');
  t.regex(lines[0] ?? '', /^Kubernetes v1\..*Knative Serving .*: functions as Knative Services$/);
  t.true(lines.includes('service.serving.knative.dev/ingest created'));
  t.is(lines.at(-1), `Clover ${version} is ready in ${cloverNamespace}.`);
});

serial('no mesh puts a sidecar beside what is installed', async (t) => {
  const { tier } = await started.promise;
  const names = "jsonpath={.items[*].spec['initContainers','containers'][*].name}";
  const found = await tier.kubectl(['get', 'pods', ...inClover, '-o', names]);
  t.true(found.includes('agent'));
  t.false(found.includes('istio-proxy'), found);
});

serial('a second install changes nothing', async (t) => {
  t.timeout(300_000);
  const { cloverctl, settings } = await started.promise;
  const again = await cloverctl('install', '-f', settings, '--json');
  t.is(again.code, 0, again.stderr);
  t.deepEqual(
    changesOf(again).filter((change) => !change.startsWith('unchanged ')),
    [],
  );
});

serial('status tells what is installed, and what of it runs', async (t) => {
  const { cloverctl } = await started.promise;
  const told = await cloverctl('status');
  t.is(told.code, 0, told.stderr);
  const [head = ''] = told.stdout.split('\n');
  t.true(head.startsWith(`Clover ${version} in ${cloverNamespace}, on Kubernetes v1.`), head);
  t.true(head.endsWith(': functions as Knative Services'));
  const { stdout } = await cloverctl('status', '--json');
  const { parts } = statusAnswer.parse(JSON.parse(stdout));
  const functions = catalogue.map(({ name }) => name);
  t.deepEqual(parts.map(({ name }) => name).sort(), [...functions, 'admission', 'agent'].sort());
  t.true(parts.every(({ ready }) => ready));
  t.is(parts.find(({ name }) => name === 'agent')?.pods, 1);
});

serial('doctor looks at the agents, too, and finds what is so here', async (t) => {
  const { cloverctl, tier } = await started.promise;
  const told = await cloverctl('doctor', '--json');
  t.is(told.code, 0, told.stdout);
  const findings = doctorAnswer.parse(JSON.parse(told.stdout)).findings;
  const doubts = findings.filter(({ state }) => state !== 'good').map(({ check }) => check);
  // Of Istio there are the definitions alone, and oidc is off.
  t.deepEqual(doubts, ['Istio', 'senders of events']);
  for (const what of ['agent on', 'clock of', 'ledger of']) {
    t.true(
      findings.some(({ check }) => check === `${what} ${tier.nodeName}`),
      what,
    );
  }
});

serial('a roll-out of the webhook lets nothing pass that lint refuses', async (t) => {
  t.timeout(180_000);
  const { client, tier } = await started.promise;
  const one = [...inClover, '-l', 'app.kubernetes.io/name=admission', '-o', 'name'];
  const [old = ''] = (await tier.kubectl(['get', 'pods', ...one])).split('\n');
  await tier.kubectl(['rollout', 'restart', 'deployment/admission', ...inClover]);
  const over = new AbortController();
  const gone = tier
    .kubectl(['wait', '--for=delete', old, ...inClover, '--timeout=120s'])
    .finally(() => over.abort());
  const found: string[] = [];
  while (!over.signal.aborted) found.push((await webhookFinding(client)).found);
  await gone;
  t.deepEqual([...new Set(found)], ['refuses what lint refuses']);
});

serial("without a Tap all functions rest, by Serving's own settings as well", async (t) => {
  t.timeout(360_000);
  const shared = await started.promise;
  await shared.tier.setSlowScaling(true);
  const rest = () =>
    podsWhen(shared, (running) => catalogue.every(({ name }) => running(name) === 0));
  await rest();
  // What is not in force has a tick each minute, and the pod has to go between two of them.
  await apply(shared, { apiVersion: 'v1', kind: 'Namespace', metadata: { name: shop } });
  await apply(shared, policyOfWeb);
  const own = ['pingsource/policy-settle', ...inClover, '--timeout=120s'];
  await shared.tier.kubectl(['wait', '--for=create', ...own]);
  await podsWhen(shared, (running) => running('policy') === 1);
  await rest();
  await shared.tier.kubectl(['delete', 'trafficpolicy/web', '-n', shop]);
  await shared.tier.kubectl(['wait', '--for=delete', ...own]);
  await t.notThrowsAsync(rest());
  await shared.tier.setSlowScaling(false);
});

serial('a Tap makes spans of the requests between two pods, each once', async (t) => {
  t.timeout(180_000);
  const shared = await started.promise;
  await apply(shared, { apiVersion: 'v1', kind: 'Namespace', metadata: { name: shop } });
  const [web, client] = [
    await startPod(shared.tier, shop, 'web'),
    await startPod(shared.tier, shop, 'client'),
  ];
  pods.resolve({ web, client });
  await apply(shared, tapOf(shop, { ports: [8_080] }));
  await ledgerWhen(shared, ({ attachments }) => attachments.attached === 2);
  const load = sendFrom(client, { host: web.address, path: '/first', maxRequests: 1_000 });
  const { sent, unattributed } = await load.ended;
  t.deepEqual({ sent, unattributed }, { sent: 1_000, unattributed: 0 });
  const ledger = await ledgerWhen(shared, isSettled);
  t.is(ledger.capture.requests.seen, 2_000, 'each at both of its ends');
  t.is(ledger.unexplained, 0);
  t.deepEqual(await spansOf(shared, '/first'), { Server: 1_000, Client: 1_000 });
});

serial('with a Tap and no run all functions rest but one pod of ingest', async (t) => {
  t.timeout(360_000);
  const shared = await started.promise;
  await podsWhen(shared, (running) =>
    catalogue.every(({ name }) => running(name) === (name === 'ingest' ? 1 : 0)),
  );
  const before = (await readNodeLedger(shared.tier)).evidence.accepted;
  // Several times as long as Serving looks back here.
  await sleep(25_000);
  const { evidence, attachments } = await readNodeLedger(shared.tier);
  t.is(attachments.attached, 2);
  t.true(evidence.accepted <= before + 1, 'a rest is said again each five minutes');
  t.is((await podsOf(shared)).get('ingest'), 1);
});

serial('the first request to a pod that comes is seen', async (t) => {
  t.timeout(120_000);
  const shared = await started.promise;
  const { client } = await pods.promise;
  const late = await startPod(shared.tier, shop, 'late');
  const load = sendFrom(client, { host: late.address, path: '/late', rate: 1, maxRequests: 1 });
  t.is((await load.ended).sent, 1);
  await ledgerWhen(shared, isSettled);
  t.deepEqual(await spansOf(shared, '/late'), { Server: 1, Client: 1 });
  await shared.tier.kubectl(['delete', 'pod/late', '-n', shop]);
  await ledgerWhen(shared, ({ attachments }) => attachments.attached === 2);
});

serial("Clover's own traffic makes no spans, also where every namespace has a Tap", async (t) => {
  t.timeout(180_000);
  const shared = await started.promise;
  const { web, client } = await pods.promise;
  const found = await shared.tier.kubectl(['get', 'namespaces', '-o', 'json']);
  const names = namespaces.parse(JSON.parse(found)).items.map(({ metadata }) => metadata.name);
  const others = names.filter((name) => name !== shop);
  await becomeSplitter(client, web);
  await apply(shared, ...others.map((name) => tapOf(name)));
  const taps = await ledgerWhen(
    shared,
    (ledger) => isSettled(ledger) && ledger.taps.known === names.length,
  );
  const { sent } = await sendFrom(client, {
    host: web.address,
    path: '/loop',
    maxRequests: 500,
  }).ended;
  // Each report is an event that passes the broker on its way to evaluate.
  const later = await ledgerWhen(
    shared,
    (ledger) => isSettled(ledger) && ledger.evidence.accepted >= taps.evidence.accepted + 10,
  );
  t.is(later.capture.requests.seen - taps.capture.requests.seen, 2 * sent);
  const row = z.object({ namespace: z.string() });
  const of = await shared.clickhouse.rows('SELECT DISTINCT namespace FROM spans', row);
  t.deepEqual(of, [{ namespace: shop }]);
  for (const name of others) await shared.tier.kubectl(['delete', 'tap/all', '-n', name]);
});

serial('an agent that is replaced under load neither loses nor doubles a request', async (t) => {
  t.timeout(300_000);
  const shared = await started.promise;
  const { web, client } = await pods.promise;
  const { boot } = await readNodeLedger(shared.tier);
  const load = sendFrom(client, { host: web.address, path: '/rolled', rate: 100 });
  const agent = ['-n', cloverNamespace, 'daemonset/agent'];
  await shared.tier.kubectl(['rollout', 'restart', ...agent]);
  await shared.tier.kubectl(['rollout', 'status', '--timeout=180s', ...agent]);
  const { sent, unattributed } = await load.stop();
  t.is(unattributed, 0);
  const ledger = await ledgerWhen(shared, (now) => now.boot !== boot && isSettled(now));
  t.is(ledger.unexplained, 0);
  t.deepEqual(await spansOf(shared, '/rolled'), { Server: sent, Client: sent });
});

serial('an Experiment wakes the functions that it concerns from zero, by events', async (t) => {
  t.timeout(300_000);
  const shared = await started.promise;
  const { tier } = shared;
  await tier.kubectl(['delete', 'taps', '--all', '-n', shop]);
  await podsWhen(shared, (running) => catalogue.every(({ name }) => running(name) === 0));
  const own = ['-n', shop, '--timeout=120s'];
  await apply(shared, policyOfWeb);
  await tier.kubectl(['wait', '--for=condition=Accepted', ...own, 'trafficpolicy/web']);
  await tier.kubectl(['wait', '--for=condition=Programmed=False', ...own, 'trafficpolicy/web']);
  await apply(shared, experimentOnWeb);
  const seen = '--for=jsonpath={.status.observedGeneration}=1';
  await tier.kubectl(['wait', seen, ...own, 'experiment/shift']);
  const recorded = ['get', 'events.events.k8s.io', '-n', shop, '-o', 'json'];
  for (;;) {
    const records = recordsAnswer.parse(JSON.parse(await tier.kubectl(recorded))).items;
    if (records.some(({ reason }) => reason === 'PolicyRejected')) break;
    await sleep(200);
  }
  await t.notThrowsAsync(
    tier.kubectl(['delete', 'experiment/shift', 'trafficpolicy/web', ...own]),
    'nothing holds them',
  );
  await apply(shared, tapOf(shop, { ports: [8_080] }));
});

serial('no event became a dead letter', async (t) => {
  const { deadLetters } = await started.promise;
  t.deepEqual(deadLetters.events, []);
});

serial('uninstall leaves nothing', async (t) => {
  t.timeout(300_000);
  const { cloverctl, client, before, tier } = await started.promise;
  const refused = await cloverctl('uninstall');
  t.is(refused.code, 1);
  t.regex(refused.stderr, /1 taps/);
  const removed = await cloverctl('uninstall', '--delete-data');
  t.is(removed.code, 0, removed.stderr);
  await tier.kubectl(['delete', 'namespace', shop]);
  const left = async (): Promise<readonly string[]> =>
    (await everything(client)).filter(
      // Eventing keeps the program that it has started for PingSources.
      (name) => !before.includes(name) && !name.includes(' knative-eventing/pingsource-mt-adapter'),
    );
  // What Knative has made of what is gone goes behind it.
  while ((await left()).length > 0) await sleep(1_000);
  const after = await everything(client);
  t.deepEqual(
    before.filter((name) => !after.includes(name) && !name.startsWith('Pod ')),
    [],
    'of others everything is there',
  );
});

import { setTimeout as sleep } from 'node:timers/promises';
import { subscriberFindings } from '../../cloverctl/doctor/subscriber-findings.ts';
import { brokerNames } from '../../knative/render/broker.ts';
import { field, own, programmed, reportsOf, sendPastBroker } from './installation/guarded.ts';
import { readNodeLedger } from './installation/node-agent.ts';
import { shop, tapOf } from './installation/objects.ts';
import { sendFrom, startPod } from './installation/pods.ts';
import { cloverNamespace } from './installation/prepare.ts';
import { becomeSplitter } from './installation/stamped.ts';
import { apply, ledgerWhen, startStage, type Stage } from './installation/stage.ts';
import { sharedByFile } from './shared-by-file.ts';

/** An installation that asks nobody who sends, and two pods with a Tap. */
async function startUnasked(ends: (() => unknown)[]) {
  // Nothing ticks: what is done was told by an event.
  const stage = await startStage(ends, { schedules: [] });
  const { code, stdout, stderr } = await stage.cloverctl('install', '-f', stage.settings);
  if (code !== 0) throw new Error(`${stdout}\n${stderr}`);
  await apply(stage, { apiVersion: 'v1', kind: 'Namespace', metadata: { name: shop } });
  const web = await startPod(stage.tier, shop, 'web');
  const caller = await startPod(stage.tier, shop, 'client');
  await apply(stage, tapOf(shop, { ports: [8_080] }));
  await ledgerWhen(stage, ({ attachments }) => attachments.attached === 2);
  return { ...stage, web, caller };
}

const { serial, started } = await sharedByFile(
  async ({ teardown }) => {
    const ends: (() => unknown)[] = [];
    teardown(async () => {
      for (const end of ends.toReversed()) await end();
    });
    return startUnasked(ends);
  },
  { tier: 'knative', withinMs: 1_200_000 },
);

const findingsOf = ({ client }: Stage) => {
  const broker = { apiVersion: 'eventing.knative.dev/v1', kind: 'Broker', plural: 'brokers' };
  const places = brokerNames.map((name) => ({ ...broker, namespace: cloverNamespace, name }));
  return subscriberFindings(client, cloverNamespace, places);
};

/** Whether each of what Eventing sends by has its account. */
async function areNamed(stage: Stage): Promise<boolean> {
  const kinds = 'triggers.eventing.knative.dev,subscriptions.messaging.knative.dev';
  const path = '{range .items[*]}[{.status.auth.serviceAccountName}]{end}';
  return !(await field(stage, path, ...own, kinds)).includes('[]');
}

serial('a function that does not ask takes events of anybody', async (t) => {
  const stage = await started;
  t.not(await sendPastBroker(stage, 'policy', undefined), 401);
  for (const { state } of await findingsOf(stage)) t.is(state, 'good');
});

serial('oidc is switched on by the steps of the documentation, and all goes on', async (t) => {
  t.timeout(900_000);
  const stage = await started;
  const { tier, web, caller } = stage;
  await tier.setFeatures({ 'authentication-oidc': 'enabled' });
  while (!(await areNamed(stage))) await sleep(1_000);
  await tier.kubectl(['delete', 'brokers.eventing.knative.dev', ...brokerNames, ...own]);
  const switched = await stage.cloverctl('upgrade', '--set', 'oidc=true', '--timeout', '9m');
  t.is(switched.code, 0, `${switched.stdout}\n${switched.stderr}`);
  t.is(await sendPastBroker(stage, 'policy', undefined), 401);
  const findings = await findingsOf(stage);
  t.is(findings.length, brokerNames.length);
  for (const { state, found } of findings) t.is(state, 'good', found);
  await programmed(stage, 'asked');
  const { boot } = await readNodeLedger(tier);
  const { last } = await reportsOf(stage, boot).catch(() => ({ last: 0 }));
  // An agent that rests says nothing until it sees what counts.
  await becomeSplitter(caller, web);
  await sendFrom(caller, { host: web.address, path: '/asked', maxRequests: 100 }).ended;
  while ((await reportsOf(stage, boot).catch(() => ({ last: 0 }))).last <= last) await sleep(500);
  t.deepEqual(stage.deadLetters.events, []);
});

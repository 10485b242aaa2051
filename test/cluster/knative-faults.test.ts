import { setTimeout as sleep } from 'node:timers/promises';
import test from 'ava';
import { z } from 'zod';
import { eventTypes } from '../../knative/events.ts';
import {
  field,
  idOf,
  identityOf,
  own,
  patience,
  policyPath,
  policyState,
  refusedAttempts,
  refusing,
  reportsOf,
  sendAs,
  startGuarded,
  type Guarded,
} from './installation/guarded.ts';
import { readNodeLedger } from './installation/node-agent.ts';
import { policyOfWeb, shop, shortRun } from './installation/objects.ts';
import { sendFrom } from './installation/pods.ts';
import { becomeSplitter } from './installation/stamped.ts';
import { apply, isSettled, ledgerWhen, podsWhen, spansOf } from './installation/stage.ts';
import { startReceiver, type Received } from './knative/receiver.ts';
import { whyLeftOut } from './with-cluster.ts';

const why = await whyLeftOut('knative');
if (why !== undefined) process.stderr.write(`${why}\n`);
const serial = why === undefined ? test.serial : test.serial.skip;
const started = Promise.withResolvers<Guarded>();
const ends: (() => unknown)[] = [];

if (why === undefined) {
  test.before('an installation asks senders who they are', async (t) => {
    t.timeout(1_200_000);
    started.resolve(await startGuarded(ends));
    t.pass();
  });
}
test.after.always('the cluster is taken down', async () => {
  for (const end of ends.toReversed()) await end();
});

serial('the broker takes what agents report, and brings it to evaluate', async (t) => {
  t.timeout(180_000);
  const stage = await started.promise;
  const { sent } = await sendFrom(stage.caller, {
    host: stage.web.address,
    path: '/guarded',
    maxRequests: 100,
  }).ended;
  const { boot, evidence } = await ledgerWhen(
    stage,
    (now) => isSettled(now) && now.evidence.accepted > 0,
  );
  t.deepEqual(await spansOf(stage, '/guarded'), { Server: sent, Client: sent });
  while ((await reportsOf(stage, boot).catch(() => ({ last: 0 }))).last < evidence.accepted)
    await sleep(500);
  t.pass();
});

serial('a stranger is refused, and so is a sender with what is not its own to send', async (t) => {
  const stage = await started.promise;
  const id = 'stranger';
  const { evidence, notification, resourceUpdated } = eventTypes;
  await stage.tier.kubectl(['create', 'serviceaccount', 'stranger', ...own]);
  for (const type of [evidence, notification, resourceUpdated]) {
    t.is(await sendAs(stage, undefined, { id, type }), 401, type);
    t.is(await sendAs(stage, 'stranger', { id, type }), 403, type);
  }
  const agent = await identityOf(stage, 'sinkbinding/agent');
  t.is(await sendAs(stage, agent, { id, type: resourceUpdated }), 403);
  // The accounts of pods are not those by which Knative lets them send.
  t.is(await sendAs(stage, 'agent', { id, type: evidence }), 403);
});

serial(
  'a change of a resource wakes the functions; what they tell people passes the broker as well',
  async (t) => {
    t.timeout(240_000);
    const stage = await started.promise;
    await apply(stage, policyOfWeb);
    const accepted = ['wait', '--for=condition=Accepted', patience, ...policyPath];
    await t.notThrowsAsync(stage.tier.kubectl(accepted));
    const told = await stage.watcher.first(
      ({ attributes }) => attributes['type'] === eventTypes.notification,
    );
    t.is(told.attributes['reason'], 'PolicyRejected');
  },
);

serial('what a subscriber could not take comes again; Clover does it once', async (t) => {
  t.timeout(240_000);
  const stage = await started.promise;
  const { watcher } = stage;
  const first = await watcher.first(
    ({ attributes }) => attributes['type'] === eventTypes.resourceAdded,
  );
  const times = () => watcher.events.filter((event) => idOf(event) === idOf(first)).length;
  while (times() < 2) await sleep(100);
  const before = await policyState(stage);
  const notified = () =>
    new Set(
      watcher.events
        .filter(({ attributes }) => attributes['type'] === eventTypes.notification)
        .map(idOf),
    ).size;
  const notifications = notified();
  // To every function that hears of resources, once more: what a broker does that did not see their answers.
  const account = await identityOf(stage, 'apiserversource/resource-events');
  const { attributes, data } = first;
  const again = Object.fromEntries(
    Object.entries(attributes).filter(([name]) => !name.startsWith('knative')),
  );
  for (let round = 0; round < 2; round += 1) t.is(await sendAs(stage, account, again, data), 202);
  while (times() < 4) await sleep(100);
  t.deepEqual(await policyState(stage), before);
  t.is(notified(), notifications);
});

serial(
  'functions that go to zero with batches and events in hand lose none, and none is stored twice',
  async (t) => {
    t.timeout(300_000);
    const stage = await started.promise;
    const { tier, web, caller } = stage;
    const { boot, evidence } = await readNodeLedger(tier);
    await becomeSplitter(caller, web);
    const load = sendFrom(caller, { host: web.address, path: '/to-zero', rate: 200 });
    for (const name of ['ingest', 'evaluate', 'ingest', 'evaluate', 'ingest']) {
      await podsWhen(stage, (running) => running(name) > 0);
      const revision = await field(
        stage,
        '{.status.latestReadyRevisionName}',
        ...own,
        `ksvc/${name}`,
      );
      // As the autoscaler does it; it brings them back when it sees what comes.
      await tier.kubectl(['scale', ...own, `deployment/${revision}-deployment`, '--replicas=0']);
      await sleep(2_000);
    }
    const { sent, unattributed } = await load.stop();
    t.is(unattributed, 0);
    const ledger = await ledgerWhen(
      stage,
      (now) => isSettled(now) && now.evidence.accepted >= evidence.accepted + 10,
    );
    t.is(ledger.boot, boot);
    t.is(ledger.unexplained, 0);
    t.deepEqual(await spansOf(stage, '/to-zero'), { Server: sent, Client: sent });
    for (;;) {
      const { reports: taken, last } = await reportsOf(stage, boot);
      if (last >= ledger.evidence.accepted && taken === last) break;
      await sleep(500);
    }
  },
);

serial('an agent that is killed leaves a gap that is named, and nothing twice', async (t) => {
  t.timeout(300_000);
  const stage = await started.promise;
  const { tier, web, caller, clickhouse } = stage;
  const { boot } = await readNodeLedger(tier);
  const id = '{.items[0].status.containerStatuses[0].containerID}';
  const ofAgent = ['pods', ...own, '-l', 'app.kubernetes.io/name=agent'];
  const load = sendFrom(caller, { host: web.address, path: '/killed', rate: 100 });
  await sleep(2_000);
  process.kill(await tier.pidOf(await field(stage, id, ...ofAgent)), 'SIGKILL');
  const successor = async () =>
    readNodeLedger(tier).then(
      (ledger) => ledger.boot !== boot && ledger.attachments.attached === 2,
      () => false,
    );
  while (!(await successor())) await sleep(100);
  const { sent } = await load.stop();
  const after = sendFrom(caller, { host: web.address, path: '/after-kill', maxRequests: 500 });
  await after.ended;
  const ledger = await ledgerWhen(stage, isSettled);
  t.is(ledger.unexplained, 0);
  t.deepEqual(await spansOf(stage, '/after-kill'), { Server: 500, Client: 500 });
  const row = z.object({ rows: z.coerce.number(), spans: z.coerce.number() });
  const counted = `SELECT count() AS rows, count(DISTINCT trace_id, span_id) AS spans FROM spans FINAL WHERE path = '/killed'`;
  const [stored] = await clickhouse.rows(counted, row);
  t.is(stored?.rows, stored?.spans);
  t.true((stored?.spans ?? 0) > 0 && (stored?.spans ?? 0) < 2 * sent);
  // Batches of each boot are dense from 1: one that is missing is named by its number.
  const batches = `SELECT count(DISTINCT toUInt64(id)) AS rows, max(toUInt64(id)) AS spans FROM batches WHERE source LIKE '%/${boot}'`;
  const [old] = await clickhouse.rows(batches, row);
  t.is(old?.rows, old?.spans, 'what it had written down before was sent by its successor');
});

serial(
  'a broker that is made anew gets back all that listened to it, and brings each event once',
  async (t) => {
    t.timeout(400_000);
    const stage = await started.promise;
    const { tier, web, caller, watcher } = stage;
    const triggers = (isReady: boolean): Promise<string> =>
      tier.kubectl([
        'wait',
        `--for=condition=Ready=${isReady}`,
        patience,
        ...own,
        'triggers',
        '--all',
      ]);
    const { boot } = await readNodeLedger(tier);
    const { last } = await reportsOf(stage, boot);
    await tier.kubectl(['delete', ...own, 'brokers', '--all', patience]);
    await triggers(false);
    const { sent } = await sendFrom(caller, {
      host: web.address,
      path: '/broker-away',
      maxRequests: 100,
    }).ended;

    const mended = await stage.cloverctl('install', '-f', stage.settings, '--timeout', '5m');
    t.is(mended.code, 0, `${mended.stdout}\n${mended.stderr}`);
    await triggers(true);
    const known = new Set(watcher.events.map(idOf));
    const { rules, ...spec } = policyOfWeb.spec;
    await apply(stage, { ...policyOfWeb, spec: { ...spec, rules: [...rules, ...rules] } });
    const updates = (): readonly Received[] =>
      watcher.events.filter(
        (event) =>
          event.attributes['type'] === eventTypes.resourceUpdated && !known.has(idOf(event)),
      );
    while (updates().length < 2) await sleep(100);

    // Agents need no broker to trace; what they report of it comes when there is one, from the same process.
    const ledger = await ledgerWhen(stage, isSettled);
    t.is(ledger.boot, boot);
    t.deepEqual(await spansOf(stage, '/broker-away'), { Server: sent, Client: sent });
    while ((await reportsOf(stage, boot)).last <= last) await sleep(500);
    // The watcher refuses each once, and takes it then: never a third time.
    const times = Map.groupBy(updates(), idOf);
    t.true([...times.values()].every(({ length }) => length <= 2));
  },
);

serial(
  'a subscriber that fails holds up nobody: the next change is told while the one before is tried again',
  async (t) => {
    t.timeout(240_000);
    const stage = await started.promise;
    const { tier } = stage;
    const refuser = await startReceiver(tier.network.host, () => 503);
    t.teardown(() => refuser.close());
    await apply(stage, refusing(refuser.url));
    t.teardown(() => tier.kubectl(['delete', ...own, 'trigger/refusing']));
    await tier.kubectl(['wait', '--for=condition=Ready', patience, ...own, 'trigger/refusing']);
    const { target, ...spec } = policyOfWeb.spec;
    const change = async (port: number): Promise<void> => {
      await apply(stage, { ...policyOfWeb, spec: { ...spec, target: { ...target, port } } });
    };
    await change(8_081);
    const first = await refuser.first(() => true);
    await change(8_082);
    const generation = await field(stage, '{.metadata.generation}', ...policyPath);
    const seen = `--for=jsonpath={.status.observedGeneration}=${generation}`;
    await tier.kubectl(['wait', seen, patience, ...policyPath]);
    const attempts = refuser.events.filter((event) => idOf(event) === idOf(first)).length;
    t.true(attempts < refusedAttempts, `${attempts}`);
  },
);

serial('an Experiment in hand goes on by its ticks when all functions go to zero', async (t) => {
  t.timeout(400_000);
  const stage = await started.promise;
  const { tier } = stage;
  const [service = {}, policy = {}, experiment = {}] = shortRun('short', '30s');
  const inShop = ['-n', shop];
  await apply(stage, service, policy);
  const programmed = ['wait', '--for=condition=Programmed', patience, ...inShop];
  await tier.kubectl([...programmed, 'trafficpolicy/short']);
  await apply(stage, experiment);
  const weights = (): Promise<string> =>
    field(stage, '{.spec.http[0].route[*].weight}', ...inShop, 'virtualservice/short');
  while ((await weights()) !== '1 1') await sleep(100);
  const ofFunctions = [...own, '-l', 'serving.knative.dev/service'];
  const before = await tier.kubectl(['get', 'pods', ...ofFunctions, '-o', 'name']);
  await tier.kubectl(['scale', 'deployments', ...ofFunctions, '--replicas=0']);
  const ended = ['wait', '--for=jsonpath={.status.phase}=RolledBack', patience, ...inShop];
  await tier.kubectl([...ended, 'experiment/short']);
  const verdict = await field(stage, '{.status.verdict}', ...inShop, 'experiment/short');
  t.is(verdict, 'INCONCLUSIVE');
  t.is(await weights(), '1');
  const gone = ['wait', '--for=delete', patience, ...own];
  await t.notThrowsAsync(tier.kubectl([...gone, ...before.trim().split('\n')]));
});

serial('no event became a dead letter', async (t) => {
  const { deadLetters } = await started.promise;
  t.deepEqual(deadLetters.events, []);
});

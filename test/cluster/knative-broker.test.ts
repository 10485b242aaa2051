import { setTimeout as sleep } from 'node:timers/promises';
import { eventTypes } from '../../knative/events.ts';
import { deadLetters, divert, lettersOf, letterWhen } from './installation/dead-letters.ts';
import {
  changePolicy,
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
  sendPastBroker,
  subscriptionsOf,
  guardedByFile,
  toldOf,
} from './installation/guarded.ts';
import { readNodeLedger } from './installation/node-agent.ts';
import { policyOfWeb, shop } from './installation/objects.ts';
import { sendFrom } from './installation/pods.ts';
import { becomeSplitter } from './installation/stamped.ts';
import { apply, isSettled, ledgerWhen, spansOf } from './installation/stage.ts';
import { startReceiver, type Received } from './knative/receiver.ts';

const { serial, started } = await guardedByFile();

serial('a stranger is refused, and so is a sender with what is not its own to send', async (t) => {
  const stage = await started;
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
  'who goes past the broker to a function is refused as well, agents among them',
  async (t) => {
    t.timeout(240_000);
    const stage = await started;
    for (const name of ['evaluate', 'notify', 'policy']) {
      t.is(await sendPastBroker(stage, name, undefined), 401, name);
      t.is(await sendPastBroker(stage, name, 'agent'), 403, name);
    }
    const deadLetter = '/deadletters/policy-trafficpolicy-added';
    t.is(await sendPastBroker(stage, 'ingest', undefined, deadLetter), 401);
    t.is(await sendPastBroker(stage, 'ingest', 'agent', deadLetter), 403);
  },
);

serial(
  'a change of a resource wakes the functions; what they tell people passes the broker as well',
  async (t) => {
    t.timeout(240_000);
    const stage = await started;
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
  const stage = await started;
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
  'a broker that is made anew gets back all that listened to it, and brings each event once',
  async (t) => {
    t.timeout(400_000);
    const stage = await started;
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
    await becomeSplitter(caller, web);
    const { sent } = await sendFrom(caller, {
      host: web.address,
      path: '/broker-away',
      maxRequests: 100,
    }).ended;

    const mended = await stage.cloverctl('install', '-f', stage.settings, '--timeout', '5m');
    t.is(mended.code, 0, `${mended.stdout}\n${mended.stderr}`);
    await triggers(true);
    const known = new Set(watcher.events.map(idOf));
    await changePolicy(stage, 8_090);
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
    const stage = await started;
    const { tier } = stage;
    const refuser = await startReceiver(tier.network.host, () => 503);
    t.teardown(() => refuser.close());
    await apply(stage, refusing(refuser.url));
    t.teardown(() => tier.kubectl(['delete', ...own, 'trigger/refusing']));
    await tier.kubectl(['wait', '--for=condition=Ready', patience, ...own, 'trigger/refusing']);
    await changePolicy(stage, 8_081);
    const first = await refuser.first(() => true);
    const generation = await changePolicy(stage, 8_082);
    const seen = `--for=jsonpath={.status.observedGeneration}=${generation}`;
    await tier.kubectl(['wait', seen, patience, ...policyPath]);
    const attempts = refuser.events.filter((event) => idOf(event) === idOf(first)).length;
    t.true(attempts < refusedAttempts, `${attempts}`);
  },
);

serial(
  'a change of a Broker’s delivery leaves Clover’s subscriptions as they are: changes wake functions all the time, and are told once',
  async (t) => {
    t.timeout(400_000);
    const stage = await started;
    const { tier, watcher } = stage;
    const broker = [...own, 'broker/clover'];
    const retry = Number(await field(stage, '{.spec.delivery.retry}', ...broker));
    const changeDelivery = (attempts: number): Promise<string> => {
      const patch = JSON.stringify({ spec: { delivery: { retry: attempts } } });
      return tier.kubectl(['patch', ...broker, '--type=merge', '-p', patch]);
    };
    t.teardown(() => changeDelivery(retry));
    const seen = (generation: number): Promise<string> => {
      const observed = `--for=jsonpath={.status.observedGeneration}=${generation}`;
      return tier.kubectl(['wait', observed, patience, ...policyPath]);
    };
    const { records } = await policyState(stage);
    const known = new Set(watcher.events.map(idOf));
    const { watcher: ofWatcher, ...before } = await subscriptionsOf(stage);
    await changePolicy(stage, 9_101);
    await changeDelivery(retry + 1);
    // The watcher says nothing of its delivery, and so has the Broker's. Knative deletes such a subscription, and makes another one.
    const renewed = async (): Promise<boolean> =>
      ![undefined, ofWatcher].includes((await subscriptionsOf(stage))['watcher']);
    let port = 9_102;
    for (; !(await renewed()); port += 1) await seen(await changePolicy(stage, port));
    await tier.kubectl(['wait', '--for=condition=Ready', patience, ...own, 'trigger/watcher']);
    const last = await changePolicy(stage, port);
    await seen(last);
    while (!toldOf(stage, policyOfWeb.metadata.name).has(last)) await sleep(200);
    const { watcher: _, ...after } = await subscriptionsOf(stage);
    t.deepEqual(after, before);
    t.is((await policyState(stage)).records, records);
    const told = watcher.events.filter(
      (event) => event.attributes['type'] === eventTypes.notification && !known.has(idOf(event)),
    );
    t.deepEqual(told, []);
  },
);

serial(
  'an event whose data a function refuses is a dead letter: listed, shown, not taken again, dropped',
  async (t) => {
    t.timeout(240_000);
    const stage = await started;
    const { operator } = stage;
    const trigger = 'evaluate-reports';
    const agent = await identityOf(stage, 'sinkbinding/agent');
    const sent = { id: 'unreadable', type: eventTypes.evidence };
    t.is(await sendAs(stage, agent, sent, '{"sequence":"first"}'), 202);
    const { id, event } = await letterWhen(operator, trigger, () => true);
    t.like(event, { ...sent, knativeerrorcode: '422', data: { sequence: 'first' } });
    const listed = await deadLetters(operator, 'list');
    t.regex(listed.stdout, / evaluate-reports .* 422 .*CLV_EVENT_DATA_INVALID/);
    const shown = await deadLetters(operator, 'show', `${id}`);
    t.regex(shown.stdout, /lastError: .*CLV_EVENT_DATA_INVALID/s);
    const replayed = await deadLetters(operator, 'replay', `${id}`);
    t.not(replayed.code, 0);
    t.regex(replayed.stderr, new RegExp(`dead letter ${id}: .*CLV_EVENT_DATA_INVALID`, 's'));
    t.is((await lettersOf(operator, trigger)).length, 1, 'it stays one');
    const dropped = await deadLetters(operator, 'drop', `${id}`);
    t.is(dropped.stdout, `dead letter ${id} dropped\n`, dropped.stderr);
    t.deepEqual(await lettersOf(operator, trigger), []);
  },
);

serial(
  'events that could not be delivered are kept by ingest, and do their work when they are replayed',
  async (t) => {
    t.timeout(400_000);
    const stage = await started;
    const { tier, operator } = stage;
    const trigger = 'notify-resources';
    const refuser = await startReceiver(tier.network.host, () => 422);
    t.teardown(() => refuser.close());
    const giveBack = await divert(stage, trigger, refuser.url);
    let port = 9_201;
    for (; refuser.events.length === 0; port += 1) {
      await changePolicy(stage, port);
      await sleep(500);
    }
    // Nobody is to be told of this one: what policy says of it goes to a subscriber that refuses it.
    const metadata = { namespace: shop, name: 'untold' };
    const { spec, ...policy } = policyOfWeb;
    const target = { host: metadata.name, port: 8_080 };
    await apply(stage, { ...policy, metadata, spec: { ...spec, target } });
    const isUntold = ({ attributes }: Pick<Received, 'attributes'>): boolean =>
      attributes['type'] === eventTypes.resourceUpdated && attributes['name'] === metadata.name;
    const refused = await refuser.first(isUntold);
    await letterWhen(operator, trigger, ({ event }) => event.id === refused.attributes['id']);
    await giveBack();
    const records = (): Promise<string> =>
      field(
        stage,
        `{.items[?(@.regarding.name=="${metadata.name}")].reason}`,
        'events.events.k8s.io',
        '-n',
        shop,
      );
    t.is(await records(), '');
    const replayed = await deadLetters(operator, 'replay', '--all', '--trigger', trigger, '--yes');
    t.is(replayed.code, 0, `${replayed.stdout}\n${replayed.stderr}`);
    t.is(await records(), 'PolicyRejected');
    t.deepEqual(await lettersOf(operator, trigger), []);
    await tier.kubectl(['delete', 'trafficpolicy/untold', '-n', shop]);
  },
);

serial('no event is a dead letter at the end', async (t) => {
  const { operator } = await started;
  const listed = await operator.cloverctl('deadletters', 'list', '--json');
  t.is(listed.code, 0, listed.stderr);
  t.deepEqual(JSON.parse(listed.stdout), { items: [] });
});

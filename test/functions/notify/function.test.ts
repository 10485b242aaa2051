import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { createNotify } from '../../../functions/notify/function.ts';
import { createWebhook } from '../../../functions/notify/webhook.ts';
import { systemClock, type Clock } from '../../../functions/lib/clock.ts';
import { createSqliteEventRecorder } from '../../../functions/records/sqlite-event-recorder.ts';
import type { EventRecorder } from '../../../functions/records/event-recorder.ts';
import { createLocalStore } from '../../../functions/resources/local-store.ts';
import { catalogue, webhookEntry } from '../../../knative/catalogue.ts';
import { until } from '../host/helpers.ts';
import { temporaryFolder } from '../host/helpers.ts';
import { served } from '../host/serving.ts';
import { quick, receiver } from './helpers.ts';
import { policySpec } from './objects.ts';

const entry = catalogue.filter(({ name }) => name === 'notify');

const condition = (status: 'True' | 'False', reason: string, at: number, generation = 1) => ({
  type: 'Programmed',
  status,
  reason,
  message: 'words',
  observedGeneration: generation,
  lastTransitionTime: new Date(at).toISOString(),
});

async function setUp(
  t: ExecutionContext,
  wrap: (records: EventRecorder) => EventRecorder = (r) => r,
) {
  const folder = await temporaryFolder(t);
  const clock: Clock = systemClock;
  const resources = createLocalStore({ path: join(folder, 'resources.db'), clock });
  const records = createSqliteEventRecorder({
    path: join(folder, 'records.db'),
    clock,
    instance: 'test',
  });
  const hook = await receiver(t);
  const serving = await served(
    t,
    [
      createNotify({ resources, records: wrap(records), clock }),
      createWebhook({ name: 'webhook-0', url: hook.url, clock }),
    ],
    [...entry, webhookEntry('webhook-0', undefined, quick)],
    resources,
  );
  t.teardown(async () => {
    await records.close();
    await resources.close();
  });
  const applied = await resources.applySpec(
    { kind: 'TrafficPolicy', metadata: { name: 'proxy', namespace: 'default' }, spec: policySpec },
    { manager: 'test' },
  );
  if (applied.kind !== 'TrafficPolicy') throw new Error('not a policy');
  const settled = async (): Promise<void> => {
    await until(async () => {
      const before = (await serving.counters())['broker'];
      // The pump from the store to the broker has no counter of its own.
      await systemClock.sleep(100);
      const after = (await serving.counters())['broker'];
      return after?.['depth'] === 0 && before?.['delivered'] === after['delivered'];
    });
  };
  const say = async (...conditions: readonly ReturnType<typeof condition>[]): Promise<void> => {
    const policy = await resources.get('TrafficPolicy', 'default', 'proxy');
    if (policy === undefined) throw new Error('no policy');
    await resources.patchStatus<'TrafficPolicy'>(policy, { ...policy.status, conditions });
    await settled();
  };
  const reasons = (): readonly unknown[] =>
    hook.received.map(({ headers }) => headers['ce-reason']);
  return { resources, records, hook, serving, settled, say, reasons };
}

test('a transition is told once, however often the object changes; the next one too', async (t) => {
  const { say, reasons, records, hook } = await setUp(t);
  const now = Date.now();
  await say(condition('True', 'Programmed', now));
  await say(condition('True', 'Programmed', now));
  t.deepEqual(reasons(), ['PolicyProgrammed']);
  await say(condition('False', 'GatewayRejected', now + 1));
  await say(condition('True', 'Programmed', now + 2));
  await say(condition('True', 'Programmed', now + 2, 2));
  t.deepEqual(reasons(), [
    'PolicyProgrammed',
    'PolicyRejected',
    'PolicyProgrammed',
    'PolicyProgrammed',
  ]);
  t.is(new Set(hook.received.map(({ headers }) => headers['ce-id'])).size, 4);
  const { items } = await records.list({ object: { kind: 'TrafficPolicy', name: 'proxy' } });
  t.deepEqual(
    items.map(({ reason, type, note, series }) => [reason, type, note, series?.count]),
    [
      ['PolicyProgrammed', 'Normal', 'generation 2 is in the gateway', undefined],
      ['PolicyProgrammed', 'Normal', 'generation 1 is in the gateway', 2],
      ['PolicyRejected', 'Warning', 'words', undefined],
    ],
  );
});

test('what was told but not noted is told again as the same event', async (t) => {
  let failures = 1;
  const { say, hook, records } = await setUp(t, (inner) => ({
    ...inner,
    note: async (...given) => {
      if (failures > 0) {
        failures -= 1;
        throw new Error('the process ended here');
      }
      await inner.note(...given);
    },
  }));
  await say(condition('True', 'Programmed', Date.now()));
  await until(async () => (await records.list({})).items.length === 1);
  await until(() => hook.received.length === 2);
  t.is(new Set(hook.received.map(({ headers }) => headers['ce-id'])).size, 1);
});

test('what was so for days when it is seen first is noted and not told', async (t) => {
  const { say, reasons, records, resources } = await setUp(t);
  const longAgo = Date.now() - 3 * 24 * 3_600_000;
  await say(condition('True', 'Programmed', longAgo));
  t.deepEqual(reasons(), []);
  t.deepEqual((await records.list({})).items, []);
  await say(condition('False', 'GatewayRejected', Date.now()));
  t.deepEqual(reasons(), ['PolicyRejected']);
  const policy = await resources.get('TrafficPolicy', 'default', 'proxy');
  const uid = policy?.metadata.uid ?? '';
  t.not(await records.noted(uid, 'Programmed'), undefined);
  await resources.delete('TrafficPolicy', 'default', 'proxy');
  await until(async () => (await records.noted(uid, 'Programmed')) === undefined);
});

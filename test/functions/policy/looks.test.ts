import test, { type ExecutionContext } from 'ava';
import type { ExperimentRunStatus } from '../../../knative/resources/experiment-run.ts';
import type { TrafficPolicySpec } from '../../../knative/resources/traffic-policy.ts';
import { systemClock } from '../../../functions/lib/clock.ts';
import { createEnvoyTarget } from '../../../functions/mesh/envoy/envoy-target.ts';
import { createMemoryGateway } from '../../../functions/mesh/envoy/memory-gateway.ts';
import { createSqliteSnapshotStore } from '../../../functions/mesh/envoy/sqlite-snapshot-store.ts';
import { createPolicy } from '../../../functions/policy/function.ts';
import { createLocalStore } from '../../../functions/resources/local-store.ts';
import type { ResourceStore } from '../../../functions/resources/store.ts';
import { handle } from '../host/helpers.ts';
import { intentOf, policyOf, runEvent, runOf, updatedEvent } from './examples.ts';

function stand(t: ExecutionContext) {
  const clock = systemClock;
  const resources = createLocalStore({ path: ':memory:', clock });
  const snapshots = createSqliteSnapshotStore({ path: ':memory:', clock });
  const gateway = createMemoryGateway();
  t.teardown(async () => Promise.all([resources.close(), snapshots.close()]));
  const target = createEnvoyTarget({ snapshots, gateway });
  const lists: string[] = [];
  const list: ResourceStore['list'] = async (kind, ...options) => {
    lists.push(kind);
    return resources.list(kind, ...options);
  };
  const counted = { ...resources, list };
  const policy = createPolicy({ resources: counted, target, clock });
  return { resources, gateway, lists, policy };
}

async function applyPolicy(
  resources: ResourceStore,
  wanted: Partial<TrafficPolicySpec> = {},
): Promise<void> {
  const { metadata, spec } = policyOf(wanted);
  const { name, namespace } = metadata;
  const document = { kind: 'TrafficPolicy' as const, metadata: { name, namespace }, spec };
  await resources.applySpec(document, { manager: 'test' });
}

async function setRun(resources: ResourceStore, status: ExperimentRunStatus): Promise<void> {
  const metadata = { name: 'try-1', namespace: 'shop' };
  const { spec } = runOf({});
  await resources.applySpec({ kind: 'ExperimentRun', metadata, spec }, { manager: 'test' });
  const run = await resources.get('ExperimentRun', 'shop', 'try-1');
  if (run) await resources.patchStatus<'ExperimentRun'>(run, status);
}

test('a look that leaves the intent as it is has everything left alone; what follows it has not', async (t) => {
  const { resources, policy } = stand(t);
  const told = () => handle(policy, runEvent);
  const reconciliations = () => policy.counters?.()['reconciliations'];
  const running = { phase: 'Running', intent: intentOf(50) } as const;
  await applyPolicy(resources);
  await setRun(resources, running);
  await told();
  t.is(reconciliations(), 1);
  for (let number = 1; number <= 10; number += 1) {
    await setRun(resources, { ...running, look: { number, hash: '' } });
    await told();
  }
  t.is(reconciliations(), 1);
  await setRun(resources, { phase: 'Running', intent: intentOf(100, 2) });
  await told();
  t.is(reconciliations(), 2);
  await setRun(resources, { phase: 'Succeeded', intent: intentOf(100, 2) });
  await told();
  t.is(reconciliations(), 3);
  await resources.delete('ExperimentRun', 'shop', 'try-1');
  await told();
  t.is(reconciliations(), 4);
});

test('a look is enough to try again what failed', async (t) => {
  const { resources, gateway, policy } = stand(t);
  await applyPolicy(resources);
  await setRun(resources, { phase: 'Running', intent: intentOf(50) });
  await handle(policy, runEvent);
  await setRun(resources, { phase: 'Running', intent: intentOf(100, 2) });
  gateway.answer(() => ({ state: 'unknown', message: 'gone' }));
  await t.throwsAsync(handle(policy, runEvent), { code: 'CLV_GATEWAY_UNAVAILABLE' });
  gateway.answer(() => ({ state: 'acknowledged' }));
  await handle(policy, runEvent);
  t.is(gateway.applied.length, 3);
});

const others = { rules: [{ split: [{ version: 'v2', weight: 1 }] }] };

test('the status that it writes itself has no list read; a spec that is not in force has, and so has its end', async (t) => {
  const { resources, lists, policy } = stand(t);
  const everything = ['TrafficPolicy', 'ExperimentRun'];
  const listed = async (): Promise<string[]> => {
    lists.length = 0;
    await handle(policy, updatedEvent);
    return [...lists];
  };
  await applyPolicy(resources);
  t.deepEqual(await listed(), everything);
  t.deepEqual(await listed(), [], 'told of its own write');
  await applyPolicy(resources, others);
  t.deepEqual(await listed(), everything);
  t.deepEqual(await listed(), []);
  await applyPolicy(resources);
  t.deepEqual(await listed(), everything, 'a spec that was in force before is not');
  await resources.delete('TrafficPolicy', 'shop', 'proxy');
  t.deepEqual(await listed(), everything);
  await applyPolicy(resources);
  t.deepEqual(await listed(), everything, 'made anew');
});

test('a status that somebody else wrote over is written again', async (t) => {
  const { resources, policy } = stand(t);
  const read = () => resources.get('TrafficPolicy', 'shop', 'proxy');
  await applyPolicy(resources);
  await handle(policy, updatedEvent);
  const before = await read();
  if (before) await resources.patchStatus<'TrafficPolicy'>(before, {});
  t.deepEqual((await read())?.status, {});
  await handle(policy, updatedEvent);
  t.is((await read())?.status.observedGeneration, 1);
});

test('a policy that is not in force is read with everything until it is', async (t) => {
  const { resources, gateway, lists, policy } = stand(t);
  await applyPolicy(resources);
  gateway.answer(() => ({ state: 'unknown', message: 'gone' }));
  await t.throwsAsync(handle(policy, updatedEvent), { code: 'CLV_GATEWAY_UNAVAILABLE' });
  lists.length = 0;
  gateway.answer(() => ({ state: 'acknowledged' }));
  await handle(policy, updatedEvent);
  t.is(lists.length, 2);
  await handle(policy, updatedEvent);
  t.is(lists.length, 2);
});

import test, { type ExecutionContext } from 'ava';
import type { ExperimentRunStatus } from '../../../knative/resources/experiment-run.ts';
import type { TrafficPolicy } from '../../../knative/resources/traffic-policy.ts';
import type { CloverFunction } from '../../../functions/host/function.ts';
import { systemClock } from '../../../functions/lib/clock.ts';
import { CloverError } from '../../../functions/lib/errors.ts';
import { tickEvent } from '../../../functions/host/scheduler.ts';
import { createEnvoyTarget } from '../../../functions/mesh/envoy/envoy-target.ts';
import { createPolicy } from '../../../functions/policy/function.ts';
import {
  createMemoryGateway,
  type MemoryGateway,
} from '../../../functions/mesh/envoy/memory-gateway.ts';
import type { SnapshotStore } from '../../../functions/mesh/envoy/snapshot-store.ts';
import { createSqliteSnapshotStore } from '../../../functions/mesh/envoy/sqlite-snapshot-store.ts';
import { createLocalStore } from '../../../functions/resources/local-store.ts';
import type { ResourceStore } from '../../../functions/resources/store.ts';
import { handle } from '../host/helpers.ts';
import { intentOf, policyOf, runEvent, runOf, updatedEvent } from './examples.ts';

interface Stand {
  readonly resources: ResourceStore;
  readonly snapshots: SnapshotStore;
  readonly gateway: MemoryGateway;
  readonly policy: CloverFunction;
}

function stand(t: ExecutionContext): Stand {
  const clock = systemClock;
  const resources = createLocalStore({ path: ':memory:', clock });
  const snapshots = createSqliteSnapshotStore({ path: ':memory:', clock });
  const gateway = createMemoryGateway();
  t.teardown(async () => Promise.all([resources.close(), snapshots.close()]));
  const policy = createPolicy({
    resources,
    target: createEnvoyTarget({ snapshots, gateway }),
    clock,
  });
  return { resources, snapshots, gateway, policy };
}

const changed = (policy: CloverFunction) => handle(policy, updatedEvent);

const runChanged = (policy: CloverFunction) => handle(policy, runEvent);

const tick = (policy: CloverFunction) => handle(policy, tickEvent('policy-resync', 0));

async function apply(resources: ResourceStore, policy = policyOf()): Promise<void> {
  const { name, namespace } = policy.metadata;
  await resources.applySpec(
    { kind: 'TrafficPolicy', metadata: { name, namespace }, spec: policy.spec },
    { manager: 'test' },
  );
}

async function setRun(resources: ResourceStore, status: ExperimentRunStatus): Promise<void> {
  const { spec } = runOf({});
  const metadata = { name: 'try-1', namespace: 'shop' };
  await resources.applySpec({ kind: 'ExperimentRun', metadata, spec }, { manager: 'test' });
  const run = await resources.get('ExperimentRun', 'shop', 'try-1');
  if (run) await resources.patchStatus<'ExperimentRun'>(run, status);
}

async function read(resources: ResourceStore, name = 'proxy'): Promise<TrafficPolicy> {
  const found = await resources.get('TrafficPolicy', 'shop', name);
  if (found === undefined) throw new Error('no policy');
  return found;
}

function conditions({ status }: TrafficPolicy): Record<string, string> {
  return Object.fromEntries(
    (status.conditions ?? []).map((each) => [each.type, `${each.status} ${each.reason}`]),
  );
}

test('a policy is programmed and its status says so; a second event writes nothing', async (t) => {
  const { resources, snapshots, gateway, policy } = stand(t);
  t.false(await policy.isActive?.('policy-resync'));
  await apply(resources);
  await changed(policy);
  const first = await read(resources);
  t.is(gateway.applied.length, 1);
  t.is(first.status.observedGeneration, 1);
  t.is(first.status.snapshot, 1);
  t.is(first.status.renderedHash, (await snapshots.head())?.hash);
  t.deepEqual(conditions(first), {
    Accepted: 'True Accepted',
    OverlayActive: 'False NoRun',
    Programmed: 'True Programmed',
  });

  await changed(policy);
  t.is((await read(resources)).metadata.resourceVersion, first.metadata.resourceVersion);
  t.is((await snapshots.revisions()).length, 1);
  t.true(await policy.isActive?.('policy-resync'));
});

test('routes go with the last policy, also when the event of its deletion is lost', async (t) => {
  const { resources, snapshots, policy } = stand(t);
  await apply(resources);
  await changed(policy);
  const { name, namespace } = policyOf().metadata;
  await resources.delete('TrafficPolicy', namespace, name);
  t.true(await policy.isActive?.('policy-resync'));
  await tick(policy);
  t.is((await snapshots.head())?.version, 2);
  t.false((await snapshots.head())?.resources.includes('198.18.') ?? true);
  t.false(await policy.isActive?.('policy-resync'));
});

test('a policy whose target an older one has waits, and has the traffic once that one goes', async (t) => {
  const { resources, snapshots, policy } = stand(t);
  await apply(resources);
  await systemClock.sleep(2);
  // By name it would be the first.
  await apply(resources, policyOf({}, { name: 'a-rival' }));
  const neighbour = { target: { host: 'other.example', port: 8080 } };
  await apply(resources, policyOf(neighbour, { name: 'neighbour' }));
  await changed(policy);
  const rival = await read(resources, 'a-rival');
  t.like(conditions(rival), {
    Accepted: 'False TargetConflict',
    OverlayActive: 'False NotAccepted',
    Programmed: 'False NotAccepted',
  });
  t.regex(rival.status.conditions?.[0]?.message ?? '', /belongs to the older policy shop\/proxy/);
  const rendered = (await snapshots.head())?.resources ?? '';
  t.false(rendered.includes('a-rival'));
  for (const name of ['proxy', 'neighbour']) {
    t.true(rendered.includes(`shop/${name}`));
    const state = { Accepted: 'True Accepted', Programmed: 'True Programmed' };
    t.like(conditions(await read(resources, name)), state);
  }

  await resources.delete('TrafficPolicy', 'shop', 'proxy');
  // The event of the deletion is lost: the resync heals it.
  await tick(policy);
  const healed = await read(resources, 'a-rival');
  t.like(conditions(healed), { Accepted: 'True Accepted', Programmed: 'True Programmed' });
  t.true((await snapshots.head())?.resources.includes('shop/a-rival'));
  t.false((await snapshots.head())?.resources.includes('shop/proxy'));
});

test('a target that an older policy moves to is taken from the younger one, and given back', async (t) => {
  const { resources, policy } = stand(t);
  const elsewhere = policyOf({ target: { host: '*', port: 9090 } });
  await apply(resources, elsewhere);
  await systemClock.sleep(2);
  await apply(resources, policyOf({}, { name: 'later' }));
  await changed(policy);
  const accepted = async (): Promise<string | undefined> =>
    conditions(await read(resources, 'later'))['Accepted'];
  t.is(await accepted(), 'True Accepted');
  await apply(resources);
  await changed(policy);
  t.is(await accepted(), 'False TargetConflict');
  await apply(resources, elsewhere);
  await changed(policy);
  t.is(await accepted(), 'True Accepted');
});

test('a run moves the traffic, and its roll-back returns to the exact bytes of before', async (t) => {
  const { resources, snapshots, policy } = stand(t);
  await apply(resources);
  await changed(policy);
  await setRun(resources, { phase: 'Running', intent: intentOf(50) });
  await runChanged(policy);
  t.deepEqual((await read(resources)).status.overlays, ['try-1']);
  t.is(conditions(await read(resources))['OverlayActive'], 'True RunInProgress');
  await setRun(resources, { phase: 'RolledBack', intent: intentOf(0, 2) });
  await runChanged(policy);

  const [now, during, before] = await snapshots.revisions();
  t.deepEqual([now?.version, during?.version, before?.version], [3, 2, 1]);
  t.is(now?.resources, before?.resources);
  t.not(during?.resources, before?.resources);
  t.deepEqual((await read(resources)).status.overlays, []);
});

test('after success the overlay stays until the spec agrees, and does not come back', async (t) => {
  const { resources, snapshots, policy } = stand(t);
  await apply(resources);
  await setRun(resources, { phase: 'Succeeded', intent: intentOf(100, 2) });
  await runChanged(policy);
  t.is(conditions(await read(resources))['OverlayActive'], 'True AwaitingSpec');

  await apply(resources, policyOf({ rules: [{ split: [{ version: 'v2', weight: 1 }] }] }));
  await changed(policy);
  t.is(conditions(await read(resources))['OverlayActive'], 'False NoRun');
  t.is((await snapshots.head())?.released.length, 1);

  await apply(resources);
  await changed(policy);
  t.deepEqual((await read(resources)).status.overlays, []);
  t.regex((await snapshots.head())?.resources ?? '', /"-\.3\.v1"/);
});

const refuse = (): never => {
  throw new CloverError('CLV_GATEWAY_REJECTED', 'no', {
    details: [{ field: 'routes/8080', message: 'bad regex' }],
  });
};

test('a rejection is a condition with the reason, tried again only by the resync', async (t) => {
  const { resources, gateway, policy } = stand(t);
  await apply(resources);
  gateway.answer(refuse);
  await changed(policy);
  const rejected = await read(resources);
  t.is(conditions(rejected)['Programmed'], 'False GatewayRejected');
  t.is(rejected.status.conditions?.find(({ type }) => type === 'Programmed')?.message, 'bad regex');
  t.is(rejected.status.snapshot, undefined);
  await changed(policy);
  t.is(gateway.applied.length, 1);

  gateway.answer(() => ({ state: 'acknowledged' }));
  await tick(policy);
  t.is(conditions(await read(resources))['Programmed'], 'True Programmed');
});

test('a gateway that does not answer is Unknown, and the event is asked for again', async (t) => {
  const { resources, gateway, policy } = stand(t);
  await apply(resources);
  gateway.answer(() => ({ state: 'unknown', message: 'gone' }));
  await t.throwsAsync(changed(policy), { code: 'CLV_GATEWAY_UNAVAILABLE' });
  t.is(conditions(await read(resources))['Programmed'], 'Unknown GatewayUnreachable');
  gateway.answer(() => ({ state: 'acknowledged' }));
  await changed(policy);
  t.is(conditions(await read(resources))['Programmed'], 'True Programmed');
});

test('two writers on one head agree, and numbers go on above files from a lost database', async (t) => {
  const { resources, snapshots, gateway, policy } = stand(t);
  await gateway.apply({ version: 41, resources: { clusters: [], listeners: [], routes: {} } });
  const other = createPolicy({
    resources,
    target: createEnvoyTarget({ snapshots, gateway }),
    clock: systemClock,
  });
  await apply(resources);
  await Promise.all([changed(policy), changed(other), changed(policy)]);
  t.is((await snapshots.head())?.version, 42);
  t.is((await read(resources)).status.snapshot, 42);
});

const isSettling = async (policy: CloverFunction) => policy.isActive?.('policy-settle');

test('there is something to settle while a run is not over, and not for a policy that is in force', async (t) => {
  const { resources, policy } = stand(t);
  await apply(resources);
  await changed(policy);
  t.false(await isSettling(policy));
  await setRun(resources, {});
  await runChanged(policy);
  t.true(await isSettling(policy), 'the event of its intent may be lost');
  await setRun(resources, { phase: 'RollingBack', intent: intentOf(0, 3) });
  await runChanged(policy);
  t.true(await isSettling(policy));
  await setRun(resources, { phase: 'RolledBack', intent: intentOf(0, 3) });
  await runChanged(policy);
  t.false(await isSettling(policy));
});

test('there is something to settle after a failure, and while a policy is refused', async (t) => {
  const { resources, gateway, policy } = stand(t);
  await apply(resources);
  gateway.answer(() => ({ state: 'unknown', message: 'gone' }));
  await t.throwsAsync(changed(policy), { code: 'CLV_GATEWAY_UNAVAILABLE' });
  t.true(await isSettling(policy));
  gateway.answer(refuse);
  await tick(policy);
  t.true(await isSettling(policy));
  gateway.answer(() => ({ state: 'acknowledged' }));
  await tick(policy);
  t.false(await isSettling(policy));
});

test('no mesh is nothing that a look each minute would settle', async (t) => {
  const { resources } = stand(t);
  await apply(resources);
  const said = { state: 'rejected', reason: 'MeshNotFound', message: 'no mesh' } as const;
  const refused = { ...said, version: 0, hash: '' };
  const policy = createPolicy({
    resources,
    clock: systemClock,
    target: {
      place: () => ({ key: 'a' }),
      read: async () => ({
        released: new Set(),
        isSettled: () => false,
        program: async ({ policies }) => new Map(policies.map(({ key }) => [key, refused])),
      }),
      counters: () => ({}),
    },
  });
  await changed(policy);
  t.false(await isSettling(policy));
});

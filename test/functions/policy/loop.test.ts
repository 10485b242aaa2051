import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import anyTest from 'ava';
import { eventTypes } from '../../../knative/events.ts';
import type { ExperimentRunStatus } from '../../../knative/resources/experiment-run.ts';
import { systemClock } from '../../../functions/lib/clock.ts';
import { tickEvent } from '../../../functions/host/scheduler.ts';
import { createEnvoyTarget } from '../../../functions/mesh/envoy/envoy-target.ts';
import { createPolicy } from '../../../functions/policy/function.ts';
import { createSqliteSnapshotStore } from '../../../functions/mesh/envoy/sqlite-snapshot-store.ts';
import { createLocalStore } from '../../../functions/resources/local-store.ts';
import {
  client,
  envoyMissing,
  envoyStand,
  until,
  upstream,
  versionsOf,
} from '../mesh/envoy/envoy.ts';
import { handle } from '../host/helpers.ts';
import { intentOf, policyOf, runOf, runEvent, updatedEvent } from './examples.ts';

const test = envoyMissing === undefined ? anyTest.serial : anyTest.serial.skip;

const inShop = (name: string): { name: string; namespace: string } => ({
  name,
  namespace: 'shop',
});

test('from resources to requests: a run moves them, its end brings back the exact file', async (t) => {
  const clock = systemClock;
  const stand = await envoyStand(t);
  const resources = createLocalStore({ path: ':memory:', clock });
  const snapshots = createSqliteSnapshotStore({ path: ':memory:', clock });
  t.teardown(async () => Promise.all([resources.close(), snapshots.close()]));
  const policy = createPolicy({
    resources,
    target: createEnvoyTarget({ snapshots, gateway: stand.gateway }),
    clock,
  });
  const notify = (type: string) => handle(policy, { ...updatedEvent, type });
  const setRun = async (status: ExperimentRunStatus): Promise<void> => {
    const run = await resources.get('ExperimentRun', 'shop', 'try-1');
    if (run) await resources.patchStatus<'ExperimentRun'>(run, status);
    await handle(policy, runEvent);
  };
  const programmed = async (): Promise<string | undefined> =>
    (await resources.get('TrafficPolicy', 'shop', 'proxy'))?.status.conditions?.find(
      ({ type }) => type === 'Programmed',
    )?.status;
  const routes = async (): Promise<string> => {
    const text = await readFile(join(stand.xdsDir, `rds-${stand.port}/rds.json`), 'utf8');
    return text.replace(/"version_info":"[^"]*"/, '');
  };

  const upstreams = await Promise.all([upstream(t, 'v1'), upstream(t, 'v2')]);
  const target = { host: '*', port: stand.port };
  const { spec } = policyOf({ target, versions: versionsOf(upstreams) });
  const by = { manager: 'test' };
  await resources.applySpec({ kind: 'TrafficPolicy', metadata: inShop('proxy'), spec }, by);
  await t.throwsAsync(notify(eventTypes.resourceAdded), { code: 'CLV_GATEWAY_UNAVAILABLE' });
  t.is(await programmed(), 'Unknown');

  await stand.start();
  await handle(policy, tickEvent('policy-resync', 0));
  t.is(await programmed(), 'True');
  const before = await routes();
  const get = client(t, stand.port);
  const arrives = async (stamp: string): Promise<void> => {
    t.is((await until(get, (answer) => answer.stamp === stamp)).stamp, stamp);
  };
  await arrives('-.1.v1');

  await resources.applySpec(
    { kind: 'ExperimentRun', metadata: inShop('try-1'), spec: runOf({}).spec },
    by,
  );
  await setRun({ phase: 'Verifying', intent: intentOf(100, 2) });
  await arrives('try-1.2.variant');
  await setRun({ phase: 'RollingBack', intent: intentOf(0, 3) });
  await arrives('try-1.3.control');
  await setRun({ phase: 'RolledBack', intent: intentOf(0, 3) });
  await arrives('-.1.v1');
  t.is(await routes(), before);
});

import test, { type ExecutionContext } from 'ava';
import { createClickHouseEvidenceStore } from '../../../functions/evidence/clickhouse-evidence-store.ts';
import { log, startTestClickHouse, type TestClickHouse } from '../analytics/start.ts';
import { World } from './helpers/world.ts';

/** A world whose evidence and looks are in a ClickHouse of its own, as they are on Knative. */
async function start(t: ExecutionContext): Promise<{ world: World; clickhouse: TestClickHouse }> {
  const clickhouse = await startTestClickHouse();
  t.teardown(() => clickhouse.remove());
  const { url, username, password } = clickhouse.server();
  let world: World | undefined;
  const evidence = createClickHouseEvidenceStore(
    { url, username, password, database: 'clover' },
    { clock: { now: () => world?.now ?? 0 }, log },
  );
  t.teardown(() => evidence.close());
  const wrap = ({ resources }: World['stores']) => ({ resources, evidence });
  world = await World.create(t, { perSecond: 100, wrap });
  await world.applyPolicy();
  return { world, clickhouse };
}

const plan = { warmUp: '1s', minSamples: 50, metrics: [{ type: 'latency', margin: 0.5 }] };

/** Seconds whose reports are refused. */
async function passBlind(t: ExecutionContext, world: World, seconds: number): Promise<void> {
  for (let passed = 0; passed < seconds; passed += 1) {
    await t.throwsAsync(world.second(), { code: 'CLV_ANALYTICS_UNAVAILABLE' });
    await world.tick();
  }
}

test.serial('a run ends while ClickHouse is away for long', async (t) => {
  t.timeout(120_000);
  const { world, clickhouse } = await start(t);
  await world.applyExperiment({ ...plan, minSamples: 1_000_000, deadline: '30m' });
  for (let passed = 0; passed < 5; passed += 1) await world.second();
  t.is((await world.run()).status.phase, 'Running');
  await clickhouse.kill();
  await passBlind(t, world, 92);
  const { status } = await world.run();
  t.like(status, { phase: 'RollingBack', verdict: 'INVALID' });
  t.regex(status.reason ?? '', /^no-evidence: ClickHouse does not answer/);
  await clickhouse.restart();
  t.like((await world.untilComplete(20)).status, { phase: 'RolledBack', verdict: 'INVALID' });
});

test.serial(
  'a run goes on to its verdict after ClickHouse was away for a short time',
  async (t) => {
    t.timeout(120_000);
    const { world, clickhouse } = await start(t);
    await world.applyExperiment(plan);
    while ((await world.run()).status.phase !== 'Running') await world.second();
    await clickhouse.kill();
    await passBlind(t, world, 80);
    t.is((await world.run()).status.phase, 'Running');
    await clickhouse.restart();
    const { status } = await world.untilComplete(60);
    t.like(status, { phase: 'Succeeded', verdict: 'PASS' });
    t.is(status.conditions?.find(({ type }) => type === 'EvidenceAvailable')?.status, 'True');
    t.is(await clickhouse.number('SELECT count() FROM evidence_looks'), status.look?.number ?? 0);
  },
);

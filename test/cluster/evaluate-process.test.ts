import { createHash } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import test from 'ava';
import { createClickHouseEvidenceStore } from '../../functions/evidence/clickhouse-evidence-store.ts';
import { withConditions } from '../../functions/lib/conditions.ts';
import { toUnixMs } from '../../functions/lib/rfc3339.ts';
import type { EvidenceCell } from '../../knative/events.ts';
import type { Experiment } from '../../knative/resources/experiment.ts';
import type { ExperimentRun } from '../../knative/resources/experiment-run.ts';
import { whyLeftOut } from './with-cluster.ts';
import { log } from '../functions/analytics/start.ts';
import { cellOf } from '../functions/evaluate/helpers/cells.ts';
import { changed, deliver, pinged, reported, type Posted } from './processes/events.ts';
import { createWorld, type World } from './processes/world.ts';

const why = await whyLeftOut();
if (why !== undefined) process.stderr.write(`${why}\n`);
const serial = why === undefined ? test.serial : test.serial.skip;

async function apply({ resources }: World, deadline = '5m'): Promise<void> {
  const metadata = { name: 'proxy', namespace: 'default' };
  const spec = {
    target: { host: '*', port: 80 },
    versions: ['v1', 'v2'].map((name) => ({
      name,
      endpoints: [{ address: '198.18.0.1', port: 80 }],
    })),
    rules: [
      {
        split: [
          { version: 'v1', weight: 100 },
          { version: 'v2', weight: 0 },
        ],
      },
    ],
  };
  const by = { manager: 'test' };
  await resources.applySpec({ kind: 'TrafficPolicy', metadata, spec }, by);
  await resources.applySpec(
    {
      kind: 'Experiment',
      metadata: { name: 'shift', namespace: 'default' },
      spec: {
        targetRef: { name: 'proxy' },
        control: 'v1',
        variant: 'v2',
        warmUp: '1s',
        minSamples: 600,
        deadline,
        metrics: [{ type: 'latency', margin: 0.1 }],
      },
    },
    by,
  );
}

async function experimentOf({ resources }: World): Promise<Experiment> {
  const found = await resources.get('Experiment', 'default', 'shift');
  if (found === undefined) throw new Error('the experiment is gone');
  return found;
}

async function runsOf({ resources }: World): Promise<readonly ExperimentRun[]> {
  return (await resources.list('ExperimentRun', 'default')).items;
}

/** What one second brought: a hundred requests of each arm, those of the variant three times as slow. */
function secondOf(run: ExperimentRun, block: number, sequence: number): EvidenceCell[] {
  const { epoch = 0, variantWeight = 0 } = run.status.intent ?? {};
  const arms = variantWeight === 0 ? (['control'] as const) : (['control', 'variant'] as const);
  return arms.map((arm) => {
    const latencies = Array.from(
      { length: 100 },
      (_, index) => (arm === 'control' ? 0.002 : 0.006) * (1 + ((index * 7 + block) % 10) / 20),
    );
    const logs = latencies.map((seconds) => Math.log(seconds));
    return cellOf({
      run: run.metadata.name,
      epoch,
      arm,
      block,
      sequence,
      started: 100,
      done: 100,
      sumLog: logs.reduce((sum, each) => sum + each, 0),
      sumLogSq: logs.reduce((sum, each) => sum + each * each, 0),
      histogram: [[Math.floor(Math.log2((arm === 'control' ? 0.002 : 0.006) * 1e9) * 16), 100]],
    });
  });
}

serial(
  'two processes of evaluate bring an experiment to its verdict, with one of them killed on the way and every event told twice',
  async (t) => {
    t.timeout(180_000);
    const world = await createWorld(t);
    const { clickhouse } = world;
    let first = await world.start('evaluate');
    const second = await world.start('evaluate');
    await apply(world);
    const told: Posted[] = [];
    /** To both at the same time: which of them comes first is as it happens. */
    const tell = async (event: Posted): Promise<void> => {
      told.push(event);
      await Promise.all([deliver(first.url, event), deliver(second.url, event)]);
    };

    await tell(changed('add', await experimentOf(world)));
    const [begun, ...others] = await runsOf(world);
    t.deepEqual(others, [], 'one run, whoever made it');
    t.is(begun?.status.phase, 'WarmingUp');

    const source = '/nodes/n/1';
    let block = Math.floor((toUnixMs(begun?.status.startedAt) ?? 0) / 1_000);
    let killed = 0;
    let sent = 0;
    for (let sequence = 1; sequence <= 60; sequence += 1) {
      const [run] = await runsOf(world);
      if (run === undefined || run.status.phase === 'RolledBack') break;
      block += 1;
      const cells = secondOf(run, block, sequence);
      sent += cells.reduce((sum, { started }) => sum + started, 0);
      const event = reported(source, {
        sequence,
        watermarkMs: (block + 1) * 1_000,
        openTimeoutMs: 10_000,
        cells,
      });
      if (sequence === 4 || sequence === 7) {
        const interrupted = deliver(first.url, event).catch(() => undefined);
        await first.kill();
        await interrupted;
        killed += 1;
        first = await world.start('evaluate');
      }
      await tell(event);
      await tell(pinged('evaluate-look'));
    }
    t.is(killed, 2);

    const [run] = await runsOf(world);
    t.like(run?.status, { phase: 'RolledBack', verdict: 'FAIL' });
    const { url, username, password } = clickhouse.server();
    const evidence = createClickHouseEvidenceStore(
      { url, username, password, database: 'clover' },
      { clock: { now: () => Date.now() }, log },
    );
    t.teardown(() => evidence.close());
    const looks = await evidence.looks(run?.metadata.name ?? '');
    t.true(looks.length > 0);
    t.is(run?.status.look?.number, looks.length);
    let previous = '0'.repeat(64);
    for (const [index, look] of looks.entries()) {
      t.is(look.number, index + 1);
      t.is(look.previous, previous);
      t.is(
        look.hash,
        createHash('sha256')
          .update(previous + look.body)
          .digest('hex'),
      );
      previous = look.hash;
    }
    t.is(await clickhouse.number('SELECT count() FROM evidence_looks'), looks.length);

    const experiment = await experimentOf(world);
    await tell(changed('update', experiment));
    const before = await stateOf(world);
    for (const event of told) {
      await deliver(second.url, event);
      await deliver(first.url, event);
    }
    await tell(pinged('evaluate-resync'));
    t.deepEqual(await stateOf(world), before, 'what was told before changes nothing');
    t.is((await evidence.looks(run?.metadata.name ?? '')).length, looks.length);

    const totals = await evidence.totals({ from: 0, to: 1e13 });
    t.is(
      totals.reduce((sum, { started }) => sum + started, 0),
      sent,
    );
    await world.resources.delete('Experiment', 'default', 'shift');
    await tell(changed('delete', experiment));
    t.is(await world.resources.get('Experiment', 'default', 'shift'), undefined);
    t.deepEqual(await Promise.all([first, second].map(async (each) => each.end())), [0, 0]);
  },
);

serial(
  'an experiment ends at its deadline, and can be deleted, while ClickHouse is stopped',
  async (t) => {
    t.timeout(180_000);
    const world = await createWorld(t);
    const { url } = await world.start('evaluate');
    await apply(world, '20s');
    await deliver(url, changed('add', await experimentOf(world)));
    const [begun] = await runsOf(world);
    t.is(begun?.status.phase, 'WarmingUp');
    t.is(begun?.status.intent?.variantWeight, 50);

    await world.clickhouse.kill();
    const tickUntil = async (is: () => Promise<boolean>): Promise<void> => {
      while (!(await is())) {
        await deliver(url, pinged('evaluate-look'));
        await sleep(500);
      }
    };
    const phaseOf = async (): Promise<unknown> => (await runsOf(world))[0]?.status.phase;
    await tickUntil(async () => (await phaseOf()) === 'RollingBack');
    const [ended] = await runsOf(world);
    t.like(ended?.status, { verdict: 'INCONCLUSIVE' });
    t.regex(ended?.status.reason ?? '', /^deadline 20s: ClickHouse does not answer/);
    t.is(ended?.status.intent?.variantWeight, 0);
    const experiment = await experimentOf(world);
    const said = experiment.status.conditions?.find(({ type }) => type === 'EvidenceAvailable');
    t.like(said, { status: 'False', reason: 'EvidenceUnavailable', observedGeneration: 1 });

    // As `policy` says it once the gateway has the weights.
    const policy = await world.resources.get('TrafficPolicy', 'default', 'proxy');
    if (policy === undefined) throw new Error('the policy is gone');
    const claim = {
      type: 'Programmed',
      status: 'True',
      reason: 'Programmed',
      message: '',
    } as const;
    const conditions = withConditions(undefined, [claim], policy.metadata.generation, Date.now());
    await world.resources.patchStatus<'TrafficPolicy'>(policy, { ...policy.status, conditions });
    await world.resources.delete('Experiment', 'default', 'shift');
    await deliver(url, changed('update', experiment));
    await tickUntil(
      async () => (await world.resources.get('Experiment', 'default', 'shift')) === undefined,
    );
    t.deepEqual(await runsOf(world), []);
  },
);

async function stateOf(world: World): Promise<string[]> {
  const objects = [await experimentOf(world), ...(await runsOf(world))];
  return objects.map(({ metadata }) => `${metadata.uid} ${metadata.resourceVersion}`);
}

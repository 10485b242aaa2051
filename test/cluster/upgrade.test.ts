import { setTimeout as sleep } from 'node:timers/promises';
import test from 'ava';
import { z } from 'zod';
import { version } from '../../functions/lib/version.ts';
import { importClover } from './clover-images.ts';
import { cloverBefore, type Differences } from './installation/clover-before.ts';
import { field, own, patience, reportsOf } from './installation/guarded.ts';
import { readNodeLedger } from './installation/node-agent.ts';
import { experimentOnWeb, serviceAndPolicy, shop, tapOf } from './installation/objects.ts';
import { relayIn, sendFrom, startPod, type RunningPod } from './installation/pods.ts';
import { cloverNamespace, imageNames } from './installation/prepare.ts';
import {
  apply,
  isSettled,
  ledgerWhen,
  spansWhen,
  startStage,
  type Stage,
} from './installation/stage.ts';
import { whyLeftOut } from './with-cluster.ts';

const why = await whyLeftOut('knative');
if (why !== undefined) process.stderr.write(`${why}\n`);
const serial = why === undefined ? test.serial : test.serial.skip;
const started = Promise.withResolvers<Stage>();
const ways = Promise.withResolvers<{ caller: RunningPod; gateway: RunningPod }>();
const ends: (() => unknown)[] = [];

/** What there was before agents got a broker of their own. */
const oneBroker: Differences = {
  'knative/catalogue.ts': [["'evaluate-reports'", "'evaluate-evidence'"]],
  'knative/render/broker.ts': [
    ["['clover', 'reports'] as const", "['clover'] as const"],
    ["? 'reports' : 'clover'", "? 'clover' : 'clover'"],
    ['clover: answersFirst', 'clover: {}'],
  ],
};

const withOneBroker = (folder: string) => cloverBefore(folder, oneBroker);

if (why === undefined) {
  test.before('a cluster has what a version before needs', async (t) => {
    t.timeout(900_000);
    started.resolve(await startStage(ends, {}, withOneBroker));
  });
}
test.after.always('the cluster is taken down', async () => {
  for (const end of ends.toReversed()) await end();
});

const inShop = ['-n', shop];
const experiment = [...inShop, 'experiment/shift'];
const gatewayPort = 8_081;
const names = '{.items[*].metadata.name}';

/** A comparison of two versions of `web` that are alike; it takes minutes. */
const comparison = {
  ...experimentOnWeb,
  spec: {
    ...experimentOnWeb.spec,
    // The first step lasts until the upgrade is over.
    plan: [{ weight: 40, hold: '150s' }, { weight: 50 }],
    metrics: [{ type: 'latency', margin: 1 }],
    warmUp: '3s',
    watchAfter: { duration: '10s', margin: 5 },
    deadline: '8m',
  },
};

const look = z.object({ run: z.string(), rows: z.coerce.number(), last: z.coerce.number() });

/** How many looks of each run are stored, and the number of the last one. */
const looksOf = ({ clickhouse }: Stage): Promise<z.output<typeof look>[]> =>
  clickhouse.rows(
    'SELECT run, count() AS rows, max(number) AS last FROM evidence_looks GROUP BY run',
    look,
  );

async function images(stage: Stage): Promise<ReadonlySet<string>> {
  const found = await field(
    stage,
    '{.items[*].spec.template.spec.containers[*].image}',
    ...own,
    'ksvc',
  );
  const agent = await field(
    stage,
    '{.spec.template.spec.containers[0].image}',
    ...own,
    'daemonset/agent',
  );
  return new Set([...found.split(' '), agent].map((image) => image.split(':').at(-1) ?? ''));
}

serial('the version before runs, with one broker', async (t) => {
  t.timeout(600_000);
  const stage = await started.promise;
  const installed = await stage.cloverctlBefore('install', '-f', stage.settings, '--timeout', '9m');
  t.is(installed.code, 0, `${installed.stdout}\n${installed.stderr}`);
  t.is(await field(stage, names, ...own, 'brokers'), 'clover');
  t.deepEqual(await images(stage), new Set(['0.0.9']));
});

serial('an Experiment on two versions in the mesh runs', async (t) => {
  t.timeout(300_000);
  const stage = await started.promise;
  const { tier } = stage;
  const labels = { 'istio-injection': 'enabled' };
  await apply(stage, { apiVersion: 'v1', kind: 'Namespace', metadata: { name: shop, labels } });
  for (const name of ['v1', 'v2']) await startPod(tier, shop, name, { app: 'web', version: name });
  // Arms are told apart where a pod answers with the stamp that the mesh gives it.
  const gateway = await startPod(tier, shop, 'gateway');
  const caller = await startPod(tier, shop, 'caller', { 'sidecar.istio.io/inject': 'false' });
  ways.resolve({ caller, gateway });
  await apply(stage, ...serviceAndPolicy('web'), tapOf(shop, { ports: [8_080, gatewayPort] }));
  await tier.kubectl([
    'wait',
    '--for=condition=Programmed',
    patience,
    ...inShop,
    'trafficpolicy/web',
  ]);
  await ledgerWhen(stage, ({ attachments }) => attachments.attached === 4);
  const host = await field(stage, '{.spec.clusterIP}', ...inShop, 'service/web');
  ends.push(await relayIn(gateway, gatewayPort, `${host}:8080`));
  t.pass();
});

serial(
  'an upgrade over it, under load, loses no span and no look, has none twice, and the verdict comes',
  async (t) => {
    t.timeout(900_000);
    const stage = await started.promise;
    const { tier, cloverctl } = stage;
    const { caller, gateway } = await ways.promise;
    await importClover(tier, imageNames({}));
    const load = sendFrom(caller, {
      host: gateway.address,
      port: gatewayPort,
      path: '/upgraded',
      rate: 60,
      maxDurationMs: 900_000,
    });
    await apply(stage, comparison);
    const looked = async (after: number): Promise<number> => {
      for (;;) {
        const [first] = await looksOf(stage).catch(() => []);
        if (first !== undefined && first.last > after) return first.last;
        await sleep(500);
      }
    };
    const before = await readNodeLedger(tier);
    await looked(2);

    const upgraded = await cloverctl('upgrade', '--timeout', '9m');
    t.is(upgraded.code, 0, `${upgraded.stdout}\n${upgraded.stderr}`);
    t.log(
      upgraded.stdout
        .split('\n')
        .filter((line) => !/ (configured|unchanged)$/.test(line))
        .join('\n'),
    );
    const lines = upgraded.stdout.trimEnd().split('\n');
    t.is(lines.at(-1), `Clover ${version} is ready in ${cloverNamespace}.`);
    const at = (line: string): number => lines.indexOf(line);
    t.true(at('broker.eventing.knative.dev/reports created') >= 0);
    t.true(at('trigger.eventing.knative.dev/evaluate-reports created') >= 0);
    t.true(
      at('trigger.eventing.knative.dev/evaluate-evidence deleted') >
        at('daemonset.apps/agent configured'),
    );
    t.deepEqual(await images(stage), new Set([version]));
    t.is(
      await field(stage, '{.status.phase}', ...experiment),
      'Running',
      'the run went on meanwhile',
    );
    await looked(await looked(0));

    const phase = () => field(stage, '{.status.phase}', ...experiment);
    while (!['Succeeded', 'RolledBack', 'Failed'].includes(await phase())) await sleep(1_000);
    const reason = await field(stage, '{.items[*].status.reason}', ...inShop, 'experimentruns');
    t.is(await phase(), 'Succeeded', reason);
    t.is(await field(stage, '{.status.verdict}', ...experiment), 'PASS');
    const looks = await looksOf(stage);
    t.is(looks.length, 1);
    t.is(looks[0]?.rows, looks[0]?.last, 'each number is there once');

    const { sent, unattributed, stamps } = await load.stop();
    t.is(unattributed, 0);
    t.log(`${sent} requests`);
    // One that a proxy answers by itself has a SERVER less.
    const statuses = new Set(stamps.flatMap(({ status }) => Object.keys(status)));
    t.deepEqual([...statuses], ['200'], JSON.stringify(stamps));
    // The capture may have the last packets still before it: a ledger can look settled until they are read.
    const spans = await spansWhen(stage, '/upgraded', 2 * sent);
    const ledger = await ledgerWhen(
      stage,
      (now) => now.boot !== before.boot && now.inherited.pending.batches === 0 && isSettled(now),
    );
    t.log(JSON.stringify(ledger));
    t.is(ledger.unexplained, 0);
    t.deepEqual(spans, { Server: 2 * sent, Client: 2 * sent });
    t.log('spans are all there; reports of the agent that it has sent:', ledger.evidence.accepted);
    for (let told = 0; ;) {
      const { reports: taken, last } = await reportsOf(stage, ledger.boot);
      if (taken >= ledger.evidence.accepted) break;
      if (taken !== told) t.log(`${taken} are taken, the last of them is ${last}`);
      told = taken;
      await sleep(500);
    }
  },
);

serial('nothing is left of the one broker, and no event became a dead letter', async (t) => {
  const stage = await started.promise;
  t.is(await field(stage, names, ...own, 'brokers'), 'clover reports');
  const triggers = (await field(stage, names, ...own, 'triggers')).split(' ');
  t.true(triggers.includes('evaluate-reports'));
  t.false(triggers.includes('evaluate-evidence'));
  t.is(await field(stage, '{.spec.sink.ref.name}', ...own, 'sinkbinding/agent'), 'reports');
  const again = await stage.cloverctl('upgrade', '--dry-run');
  t.notRegex(again.stdout, / (deleted|created) /);
  t.deepEqual(stage.deadLetters.events, []);
});

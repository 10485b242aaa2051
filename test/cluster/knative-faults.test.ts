import { setTimeout as sleep } from 'node:timers/promises';
import { z } from 'zod';
import {
  field,
  own,
  patience,
  programmed,
  reportsOf,
  guardedByFile,
} from './installation/guarded.ts';
import { gapOf } from './installation/gap.ts';
import { readNodeLedger, type NodeLedger } from './installation/node-agent.ts';
import { shop, shortRun } from './installation/objects.ts';
import { sendFrom } from './installation/pods.ts';
import { becomeSplitter } from './installation/stamped.ts';
import { apply, isSettled, ledgerWhen, podsWhen, spansOf } from './installation/stage.ts';

const { serial, started } = await guardedByFile();

serial('the broker takes what agents report, and brings it to evaluate', async (t) => {
  t.timeout(180_000);
  const stage = await started;
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

serial(
  'functions that go to zero with batches and events in hand lose none, and none is stored twice',
  async (t) => {
    t.timeout(300_000);
    const stage = await started;
    const { tier, web, caller } = stage;
    const { boot, evidence } = await readNodeLedger(tier);
    await becomeSplitter(caller, web);
    const load = sendFrom(caller, { host: web.address, path: '/to-zero', rate: 200 });
    for (const name of ['ingest', 'evaluate', 'ingest', 'evaluate', 'ingest']) {
      await podsWhen(stage, (running) => running(name) > 0);
      t.log(`${name} has a pod`);
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
    t.log(`${sent} requests`);
    t.is(unattributed, 0);
    const ledger = await ledgerWhen(
      stage,
      (now) => isSettled(now) && now.evidence.accepted >= evidence.accepted + 10,
    );
    t.is(ledger.boot, boot);
    t.is(ledger.unexplained, 0);
    t.deepEqual(await spansOf(stage, '/to-zero'), { Server: sent, Client: sent });
    t.log('spans are all there; reports of the agent that it has sent:', ledger.evidence.accepted);
    for (let told = 0; ;) {
      const { reports: taken, last } = await reportsOf(stage, boot);
      if (taken >= ledger.evidence.accepted) break;
      if (taken !== told) t.log(`${taken} are taken, the last of them is ${last}`);
      told = taken;
      await sleep(500);
    }
  },
);

const numbered = z.object({
  n: z.coerce.number(),
  kind: z.string(),
  spans: z.coerce.number(),
  startMs: z.coerce.number(),
});
const batchesOf = z.object({
  stored: z.coerce.number(),
  last: z.coerce.number(),
  watermarkMs: z.coerce.number(),
});

serial('an agent that is killed leaves a gap that is named, and nothing twice', async (t) => {
  t.timeout(300_000);
  const stage = await started;
  const { tier, web, caller, clickhouse } = stage;
  const { boot, source } = await readNodeLedger(tier);
  const id = '{.items[0].status.containerStatuses[0].containerID}';
  const ofAgent = ['pods', ...own, '-l', 'app.kubernetes.io/name=agent'];
  const load = sendFrom(caller, { host: web.address, path: '/killed/{n}', rate: 100 });
  while ((await spansOf(stage, '/killed/0'))['Server'] === undefined) await sleep(100);
  process.kill(await tier.pidOf(await field(stage, id, ...ofAgent)), 'SIGKILL');
  const successor = (): Promise<NodeLedger | undefined> =>
    readNodeLedger(tier).then(
      (ledger) => (ledger.boot !== boot && ledger.attachments.attached === 2 ? ledger : undefined),
      () => undefined,
    );
  let attached = await successor();
  while (attached === undefined) {
    await sleep(100);
    attached = await successor();
  }
  await sleep(1_000);
  const { sent } = await load.stop();
  const after = sendFrom(caller, { host: web.address, path: '/after-kill', maxRequests: 500 });
  await after.ended;
  const ledger = await ledgerWhen(
    stage,
    (now) => isSettled(now) && now.inherited.pending.batches === 0,
  );
  t.is(ledger.unexplained, 0);
  t.deepEqual(await spansOf(stage, '/after-kill'), { Server: 500, Client: 500 });

  // Batches of each boot are dense from 1: one that is missing is named by its number.
  const batches = `SELECT count(DISTINCT id) AS stored, max(toUInt64(id)) AS last, max(toUnixTimestamp64Milli(watermark)) AS watermarkMs FROM batches WHERE source = '${source}'`;
  const [old] = await clickhouse.rows(batches, batchesOf);
  t.is(old?.stored, old?.last, 'what it had written down before was sent by its successor');
  const requests = `SELECT toUInt32(substring(path, 9)) AS n, toString(kind) AS kind, count(DISTINCT trace_id, span_id) AS spans, min(toUnixTimestamp64Nano(ts)) / 1e6 AS startMs FROM spans WHERE path LIKE '/killed/%' GROUP BY n, kind`;
  const { doubled, missing, untold } = gapOf(
    sent,
    await clickhouse.rows(requests, numbered),
    // The dead one's last batch says up to when all is stored; its successor's ledger, since when it looks.
    { fromMs: old?.watermarkMs ?? 0, toMs: attached.atMs },
  );
  t.deepEqual(doubled, []);
  t.true(missing.length > 0, 'nobody looked for some time');
  t.deepEqual(untold, []);
});

serial('an Experiment in hand goes on by its ticks when all functions go to zero', async (t) => {
  t.timeout(400_000);
  const stage = await started;
  const { tier } = stage;
  const [, , experiment = {}] = shortRun('short', '30s');
  const inShop = ['-n', shop];
  await programmed(stage, 'short');
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

serial(
  'the ticks of another Experiment are taken, by a PingSource that was made anew',
  async (t) => {
    t.timeout(400_000);
    const stage = await started;
    const { tier } = stage;
    const inShop = ['-n', shop];
    // Eventing goes on with the token of the one before: no resync makes good what is refused here.
    await tier.kubectl(['wait', '--for=delete', patience, ...own, 'pingsource/evaluate-look']);
    const [, , experiment = {}] = shortRun('next', '10s');
    await programmed(stage, 'next');
    await apply(stage, experiment);
    const ended = ['wait', '--for=jsonpath={.status.phase}=RolledBack', patience, ...inShop];
    await t.notThrowsAsync(tier.kubectl([...ended, 'experiment/next']));
  },
);

serial('no event is a dead letter at the end', async (t) => {
  const { operator } = await started;
  const listed = await operator.cloverctl('deadletters', 'list', '--json');
  t.is(listed.code, 0, listed.stderr);
  t.deepEqual(JSON.parse(listed.stdout), { items: [] });
});

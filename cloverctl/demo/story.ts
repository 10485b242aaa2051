import type { RedRow } from '../../functions/analytics/store.ts';
import { parseArmStamp } from '../../functions/lib/arm-stamp.ts';
import { CloverError } from '../../functions/lib/errors.ts';
import type { ProxyVersion } from '../../infra/samples/sdc/topology.ts';
import type { LoadReport } from '../../infra/samples/sdc/load-report.ts';
import type { ExperimentRun } from '../../knative/resources/experiment-run.ts';
import { readAccounts, sentByStamp, total } from './accounts.ts';
import { currentRun, isFinal, until, whenReachable, type Patience } from './follow.ts';
import { closeLedger, versionOf, type Accounts, type Ledger } from './ledger.ts';
import { renderAnswers, renderHops, renderLedger, renderRun } from './render.ts';
import { reportDemo, reportExperiment, type DemoReport } from './report.ts';
import type { Manifest, Stage } from './stage.ts';

const namespace = 'sdc';
const hopWindowSeconds = 5;

/** Tells the rest of the story on a stage that is set. */
export async function tellStory(stage: Stage): Promise<DemoReport> {
  const { screen, clock, signal, limits } = stage;
  const soon: Patience = { clock, signal, timeoutMs: limits.followMs };
  const since = clock.now();

  await stage.apply('tap');
  await stage.apply('policy-v1');
  await until('the gateway to take the policy', () => programmed(stage), soon);
  await until('the agent to trace every pod', () => traced(stage), soon);
  const load = await stage.startLoad();
  screen.note(`the load generator sends ${load.rate} requests/s through the gateway`);

  screen.step('See: the agent turns packets into spans and evidence');
  await until('the first spans', () => everyHopSeen(stage, since), soon);
  await showFor(stage, 7_000);
  screen.block(renderHops(await newestHops(stage), hopWindowSeconds));

  screen.step('Shift: version 2 of the proxy appears, half of the traffic goes there');
  await addVersion(stage, 'v2', soon);
  const shift = await experiment(stage, 'policy-v1-v2', 'shift', soon);

  screen.step('Judge: version 2 against version 1, by what crossed the wire');
  const shifted = await follow(stage, shift);
  const runs = [shifted];

  screen.step('Drill: version 3 with a delay on its own path; the judge has to catch it');
  if (shifted.status.verdict === 'PASS') {
    await addVersion(stage, 'v3', soon);
    const drill = await experiment(stage, 'policy-v2-v3', 'drill', soon);
    runs.push(await follow(stage, drill));
  } else {
    screen.note('left out: version 2, against which version 3 would stand, was not kept');
  }
  await showFor(stage, 2_000);

  screen.step('Account: what each observer counted');
  const sent = await load.stop();
  screen.note(renderAnswers(sent));
  const ledger = await settle(stage, sent, runs, since);
  screen.block(renderLedger(ledger));
  const experiments = runs.map((run) => reportExperiment(run, lastAnswer(sent, run, runs)));
  return reportDemo(experiments, ledger);
}

async function experiment(
  stage: Stage,
  policy: Manifest,
  name: 'drill' | 'shift',
  patience: Patience,
): Promise<ExperimentRun> {
  await stage.apply(policy);
  // A gateway that learns of a version and of its share at once may have a request for it too early.
  await until('the gateway to take the policy', () => programmed(stage), patience);
  await stage.apply(`experiment-${name}`);
  const run = await until(
    `a run of ${name}`,
    () => currentRun(stage.client, namespace, name),
    patience,
  );
  stage.screen.note(`experiment ${name} runs as ${run.metadata.name}`);
  return run;
}

/** Shows a run until its end. */
async function follow(stage: Stage, { metadata }: ExperimentRun): Promise<ExperimentRun> {
  const { client, screen, clock, signal, limits } = stage;
  let told = '';
  return until(
    `the end of ${metadata.name}`,
    async () => {
      const run = await client.get('ExperimentRun', namespace, metadata.name);
      if (run === undefined) throw new CloverError('CLV_NOT_FOUND', `${metadata.name} is gone`);
      const state = `${run.status.phase ?? ''} ${run.status.intent?.epoch ?? 0}`;
      if (state !== told) screen.note(renderRun(run));
      told = state;
      await show(stage, run);
      if (!isFinal(run)) return undefined;
      if (run.status.reason !== undefined) screen.note(run.status.reason);
      return run;
    },
    { clock, signal, timeoutMs: limits.runMs, everyMs: 500 },
  );
}

async function show(stage: Stage, run?: ExperimentRun): Promise<void> {
  const rows = await newestHops(stage);
  const state = run === undefined ? [] : ['', `${run.metadata.name}: ${renderRun(run)}`];
  stage.screen.live([...renderHops(rows, hopWindowSeconds), ...state]);
}

async function newestHops({ client, clock }: Stage): Promise<readonly RedRow[]> {
  const now = clock.now();
  // The newest seconds are still on their way to the store.
  const window = { from: now - (hopWindowSeconds + 2) * 1000, to: now - 2000 };
  const asked = whenReachable(() => client.red(window));
  // A store that hangs must not hold up what the judge has to say.
  const rows = await Promise.race([asked, clock.sleep(1_500).then(() => undefined)]);
  return rows ?? [];
}

async function showFor(stage: Stage, ms: number): Promise<void> {
  const end = stage.clock.now() + ms;
  while (stage.clock.now() < end) {
    await show(stage);
    await stage.clock.sleep(500, stage.signal);
  }
}

/** The hops that carry traffic before any experiment. */
const firstHops = ['gateway', 'proxy', 'lb', 'web'];

async function everyHopSeen({ client, clock }: Stage, since: number): Promise<true | undefined> {
  const rows = await client.red({ from: since, to: clock.now() });
  return firstHops.every((hop) => rows.some(({ service }) => service === hop)) ? true : undefined;
}

async function traced(stage: Stage): Promise<true | undefined> {
  return (await stage.isTraced()) ? true : undefined;
}

async function addVersion(stage: Stage, version: ProxyVersion, patience: Patience): Promise<void> {
  await stage.addVersion(version);
  await until(`the agent to trace proxy ${version}`, () => traced(stage), patience);
}

async function programmed(stage: Stage): Promise<true | undefined> {
  const policy = await stage.client.get('TrafficPolicy', namespace, 'proxy');
  const { conditions = [], observedGeneration } = policy?.status ?? {};
  const ready = conditions.some(({ type, status }) => type === 'Programmed' && status === 'True');
  if (!ready || observedGeneration !== policy?.metadata.generation) return undefined;
  return (await stage.isStamping()) ? true : undefined;
}

/** The ledger once every observer has counted what was sent, or as it is after the patience ends. */
async function settle(
  stage: Stage,
  load: LoadReport,
  runs: readonly ExperimentRun[],
  since: number,
): Promise<Ledger> {
  const observers = { stage, load, runs, since };
  const sent = total(sentByStamp(load).counts);
  let newest: Accounts | undefined;
  const complete = async (): Promise<true | undefined> => {
    newest = await readAccounts(observers);
    if (newest === undefined) return undefined;
    return total(newest.seen) === sent && total(newest.stored) === sent ? true : undefined;
  };
  const { clock, signal } = stage;
  try {
    await until('the observers to agree', complete, { clock, signal, timeoutMs: 15_000 });
  } catch (error) {
    // They do not agree: the table shows where.
    if (newest === undefined) throw error;
  }
  if (newest === undefined) throw new CloverError('CLV_INTERNAL', 'no accounts');
  return closeLedger(newest);
}

/** Unix ms of the last answer that came from a run's variant, in whichever run or none. */
function lastAnswer(
  load: LoadReport,
  run: ExperimentRun,
  runs: readonly ExperimentRun[],
): number | undefined {
  const known = new Map(runs.map((each) => [each.metadata.name, each]));
  const times = load.stamps.flatMap(({ stamp, lastAt }) => {
    const parsed = parseArmStamp(stamp);
    const from = parsed === undefined ? undefined : versionOf(parsed, known);
    return from === run.spec.plan.variant ? [lastAt] : [];
  });
  return times.length === 0 ? undefined : Math.max(...times);
}

import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { parse } from 'yaml';
import { z } from 'zod';
import type { ApiClient, ApplyDocument } from '../../functions/api/client.ts';
import type { RedRow } from '../../functions/analytics/store.ts';
import type { Clock } from '../../functions/lib/clock.ts';
import { parseArmStamp } from '../../functions/lib/arm-stamp.ts';
import { CloverError } from '../../functions/lib/errors.ts';
import type { Sdc } from '../../infra/samples/sdc/deploy.ts';
import type { Load } from '../../infra/samples/sdc/load.ts';
import type { ProxyVersion } from '../../infra/samples/sdc/topology.ts';
import type { LoadReport } from '../../infra/samples/sdc/load-report.ts';
import type { ExperimentRun } from '../../knative/resources/experiment-run.ts';
import { readAccounts, sentByStamp, total, tracedPods } from './accounts.ts';
import { currentRun, isFinal, until, whenReachable, type Patience } from './follow.ts';
import { closeLedger, versionOf, type Accounts, type Ledger } from './ledger.ts';
import { renderHops, renderLedger, renderRun } from './render.ts';
import { reportDemo, reportExperiment, type DemoReport } from './report.ts';
import type { Screen } from './screen.ts';

/** Everything that runs, and where the story is told. */
export interface Stage {
  readonly client: ApiClient;
  readonly sdc: Sdc;
  /** Starts the load in the client's namespace. */
  readonly startLoad: () => Promise<Load>;
  readonly adminSocket: string;
  readonly agentUrl: string;
  readonly screen: Screen;
  readonly clock: Clock;
  readonly signal: AbortSignal;
}

const namespace = 'sdc';
const hopWindowSeconds = 5;

/** Tells steps 1 to 6 on a stage that is set: the stack runs, the sample's first pods are there. */
export async function tellStory(stage: Stage): Promise<DemoReport> {
  const { client, screen, clock, signal } = stage;
  const patience = (seconds: number): Patience => ({ clock, signal, timeoutMs: seconds * 1000 });
  const since = clock.now();

  await apply(client, 'tap.yaml');
  await apply(client, 'policy-v1.yaml');
  await until('the gateway to take the policy', () => programmed(client), patience(30));
  await until('the agent to trace every pod', () => traced(stage), patience(30));
  const load = await stage.startLoad();
  screen.note('the load generator sends 200 requests/s through the gateway');

  screen.step('See: the agent turns packets into spans and evidence');
  await until('the first spans', () => everyHopSeen(stage), patience(30));
  await showFor(stage, 7_000);
  screen.block(renderHops(await newestHops(stage), hopWindowSeconds));

  screen.step('Shift: version 2 of the proxy appears, half of the traffic goes there');
  await addVersion(stage, 'v2', patience(30));
  const shift = await experiment(stage, 'policy-v1-v2.yaml', 'shift', patience(30));

  screen.step('Judge: version 2 against version 1, by what crossed the wire');
  const shifted = await follow(stage, shift, patience(150));
  const runs = [shifted];

  screen.step('Drill: version 3 with a delay on its own path; the judge has to catch it');
  if (shifted.status.verdict === 'PASS') {
    await addVersion(stage, 'v3', patience(30));
    const drill = await experiment(stage, 'policy-v2-v3.yaml', 'drill', patience(30));
    runs.push(await follow(stage, drill, patience(120)));
  } else {
    screen.note('left out: version 2, against which version 3 would stand, was not kept');
  }
  await showFor(stage, 2_000);

  screen.step('Account: what each observer counted');
  const sent = await load.stop();
  const ledger = await settle(stage, sent, runs, since);
  screen.block(renderLedger(ledger));
  const experiments = runs.map((run) => reportExperiment(run, lastAnswer(sent, run, runs)));
  return reportDemo(experiments, ledger);
}

async function experiment(
  stage: Stage,
  policy: string,
  name: string,
  patience: Patience,
): Promise<ExperimentRun> {
  await apply(stage.client, policy);
  await apply(stage.client, `experiment-${name}.yaml`);
  const run = await until(
    `a run of ${name}`,
    () => currentRun(stage.client, namespace, name),
    patience,
  );
  stage.screen.note(`experiment ${name} runs as ${run.metadata.name}`);
  return run;
}

/** Shows a run until its end. */
async function follow(
  stage: Stage,
  { metadata }: ExperimentRun,
  patience: Patience,
): Promise<ExperimentRun> {
  const { client, screen } = stage;
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
    { ...patience, everyMs: 500 },
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

async function everyHopSeen({ client, clock }: Stage): Promise<true | undefined> {
  const rows = await client.red({ from: clock.now() - 10_000, to: clock.now() });
  return firstHops.every((hop) => rows.some(({ service }) => service === hop)) ? true : undefined;
}

/** True once the agent has attached to every pod of the sample, so that no request goes unseen. */
async function traced({ agentUrl, sdc }: Stage): Promise<true | undefined> {
  return (await tracedPods(agentUrl)) === sdc.pods().length ? true : undefined;
}

async function addVersion(stage: Stage, version: ProxyVersion, patience: Patience): Promise<void> {
  await stage.sdc.addVersion(version);
  await until(`the agent to trace proxy ${version}`, () => traced(stage), patience);
}

async function programmed(client: ApiClient): Promise<true | undefined> {
  const policy = await client.get('TrafficPolicy', namespace, 'proxy');
  const { conditions = [], observedGeneration } = policy?.status ?? {};
  const ready = conditions.some(({ type, status }) => type === 'Programmed' && status === 'True');
  return ready && observedGeneration === policy?.metadata.generation ? true : undefined;
}

/** The ledger once every observer has counted what was sent, or as it is after the patience ends. */
async function settle(
  stage: Stage,
  load: LoadReport,
  runs: readonly ExperimentRun[],
  since: number,
): Promise<Ledger> {
  const observers = {
    client: stage.client,
    adminSocket: stage.adminSocket,
    clusterPrefix: `${namespace}/proxy/`,
    load,
    runs,
    since,
  };
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

const manifest = z.looseObject({
  kind: z.enum(['Experiment', 'Tap', 'TrafficPolicy']),
  metadata: z.looseObject({ name: z.string(), namespace: z.string() }),
});

/** Applies one of the sample's manifests, as a user would with `cloverctl apply -f`. */
async function apply(client: ApiClient, file: string): Promise<void> {
  const path = new URL(`../../infra/samples/sdc/manifests/${file}`, import.meta.url);
  const document: ApplyDocument = manifest.parse(parse(readFileSync(fileURLToPath(path), 'utf8')));
  await client.apply(document, { manager: 'demo' });
}

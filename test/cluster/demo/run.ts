import process from 'node:process';
import { fileURLToPath } from 'node:url';
import type { Logger } from 'pino';
import { until } from '../../../cloverctl/demo/follow.ts';
import { inRun } from '../../../cloverctl/demo/in-run.ts';
import type { Screen } from '../../../cloverctl/demo/screen.ts';
import { tellStory } from '../../../cloverctl/demo/story.ts';
import type { RunSite } from '../../../cloverctl/supervisor/with-run.ts';
import { createApiClient } from '../../../functions/api/client.ts';
import { fetchAs } from '../../../functions/api/fetch-as.ts';
import type { Clock } from '../../../functions/lib/clock.ts';
import { CloverError } from '../../../functions/lib/errors.ts';
import { catalogue } from '../../../knative/catalogue.ts';
import type { Programs } from '../build.ts';
import { startClusterClickHouse } from '../installation/clickhouse.ts';
import { cloverNamespace, prepareInstallation } from '../installation/prepare.ts';
import { viewerToken } from '../installation/viewer-token.ts';
import { startReceiver } from '../knative/receiver.ts';
import { importSdcImages } from '../sdc/images.ts';
import { sdcManifests } from '../sdc/manifests.ts';
import { buildTier, startTier, whyNotHere } from '../tiers.ts';
import { hearBeside, onChange } from './beside.ts';
import { createClusterStage } from './cluster-stage.ts';
import { createCommand, type Command } from './commands.ts';
import { createEnds, type Ends } from './ends.ts';
import { createFunctionPods, podColumns, type FunctionPods } from './function-pods.ts';
import {
  describeLetter,
  renderCluster,
  reportClusterDemo,
  type ClusterDemoReport,
} from './report.ts';
import { createWatchedVerdicts } from './watched-verdicts.ts';

/** How the demo is run. */
export interface ClusterDemoOptions {
  readonly screen: Screen;
  readonly log: Logger;
  readonly clock: Clock;
  /** Ends the demo at any instant; everything is taken down all the same. */
  readonly signal: AbortSignal;
  /** Called after the story, with everything still up but for the load. */
  readonly onEnd?: (kubeconfig: string) => Promise<void>;
}

const tierName = 'knative';
const functions = catalogue.map(({ name }) => name);
const cloverctlProgram = fileURLToPath(new URL('../../../cloverctl/main.ts', import.meta.url));
/** Runs the whole story on a cluster of its own, and takes everything down, whatever happens. */
export async function runClusterDemo(options: ClusterDemoOptions): Promise<ClusterDemoReport> {
  const { screen, log, signal, onEnd } = options;
  const why = whyNotHere(tierName);
  if (why !== undefined) throw new CloverError('CLV_CONFIG_INVALID', why);
  screen.step('Cluster: Kubernetes, Istio and Knative on this machine');
  const programs = await buildTier(tierName, { progress: (line) => screen.note(line) });
  const ends = createEnds();
  try {
    const { report } = await inRun(
      { kind: 'cluster', screen, log, signal },
      (site) => perform({ ...site, programs, ends }, options),
      async ({ kubeconfig }) => onEnd?.(kubeconfig),
    );
    return report;
  } finally {
    await ends.come();
  }
}

interface ClusterSite extends RunSite {
  readonly programs: Programs;
  readonly ends: Ends;
}

async function perform(
  site: ClusterSite,
  options: ClusterDemoOptions,
): Promise<{ readonly report: ClusterDemoReport; readonly kubeconfig: string }> {
  const { programs, ends } = site;
  const { screen, log, clock, signal } = options;
  const began = clock.now();
  const tier = await startTier(tierName, site);
  screen.note(`ready after ${((clock.now() - began) / 1_000).toFixed(0)} s`);
  screen.note(`export KUBECONFIG=${tier.kubeconfig}`);
  const say = (line: string): void => screen.note(line);
  const shared = { signal, say, env: { KUBECONFIG: tier.kubeconfig } };
  const kubectl = createCommand({
    ...shared,
    name: 'kubectl',
    program: programs['kubectl'] ?? 'kubectl',
  });
  const cloverctl = createCommand({
    ...shared,
    name: 'cloverctl',
    program: process.execPath,
    before: [cloverctlProgram],
  });

  screen.step('Install: Clover, with a ClickHouse beside the cluster');
  const clickhouse = await startClusterClickHouse(tier, log);
  await ends.add(() => clickhouse.stop());
  const deadLetters = await startReceiver(tier.network.host);
  await ends.add(() => deadLetters.close());
  const settings = await prepareInstallation(tier, {
    clickhouse,
    deadLetters: deadLetters.url,
    // What no event told would be found by a tick: here it is to be seen that none is needed.
    settings: { schedules: [] },
  });
  screen.note('images are on the node; the namespace has the Secret of ClickHouse');
  for await (const line of cloverctl.follow(['install', '-f', settings], signal)) screen.note(line);

  screen.step('Deploy: the sample network function, with a sidecar in each pod');
  await importSdcImages(tier);
  screen.note(
    'mTLS is STRICT between its pods (PeerAuthentication): agents read at the sockets of the applications',
  );
  await kubectl.run(['apply', '-k', sdcManifests.base]);
  const available = ['wait', '--for=condition=Available', '--timeout=180s'];
  await kubectl.run([...available, '-n', 'sdc', 'deployment', '--all']);

  const pods = await watchFunctions(kubectl, options);
  const experiments = ['get', 'experiments', '-n', 'sdc', '-w'];
  const watched = createWatchedVerdicts();
  const tell = onChange((line) => {
    watched.hear(line);
    screen.note(`  ${line}`);
  });
  void hearBeside(kubectl.follow(experiments, signal), tell, options);

  const client = createApiClient({
    url: await networkLayerOf(kubectl),
    fetch: fetchAs(`api.${cloverNamespace}.svc.cluster.local`),
    token: await viewerToken(kubectl.run),
    clock,
  });
  const { network } = tier;
  const stage = createClusterStage({ kubectl, client, network, screen, clock, signal });
  const story = await tellStory(stage);
  const facts = {
    woken: pods.woken(),
    watched: watched.said,
    deadLetters: deadLetters.events.map(({ attributes }) => describeLetter(attributes)),
  };
  screen.block(renderCluster(facts));
  if (facts.deadLetters.length > 0) await tellEventingLog(kubectl, screen);
  return { report: reportClusterDemo(story, facts), kubeconfig: tier.kubeconfig };
}

/**
 * Tells which functions get and lose their pods, from when none of them has one. None ticks then: schedules that a function
 * starts itself come after the event that woke it.
 * @throws CloverError CLV_CONFLICT if there is a PingSource nevertheless.
 */
async function watchFunctions(
  kubectl: Command,
  { clock, signal, screen }: ClusterDemoOptions,
): Promise<FunctionPods> {
  const pods = createFunctionPods(functions);
  const inClover = ['-n', cloverNamespace];
  const ofFunctions = [...inClover, '-l', 'serving.knative.dev/service', ...podColumns];
  const there = await kubectl.run(['get', 'pods', ...ofFunctions]);
  for (const line of there.split('\n')) pods.hear(line);
  const lines = kubectl.follow(['get', 'pods', ...ofFunctions, '-w'], signal);
  const tell = (line: string): void => {
    const news = pods.hear(line);
    if (news !== undefined) screen.note(news);
  };
  void hearBeside(lines, tell, { screen, signal });
  const all = async (): Promise<true | undefined> =>
    pods.atZero().length === functions.length ? true : undefined;
  await until('every function to be at zero', all, { clock, signal, timeoutMs: 180_000 });
  const ticking = (await kubectl.run(['get', 'pingsources', ...inClover, '-o', 'name'])).trim();
  if (ticking !== '') throw new CloverError('CLV_CONFLICT', `there are ticks: ${ticking}`);
  pods.woken();
  screen.note('no function has a pod, and nothing ticks: from here on events and agents wake them');
  return pods;
}

/** What Eventing logged that is not as usual: a letter says nothing of its end where Eventing itself refused it. */
async function tellEventingLog(kubectl: Command, screen: Screen): Promise<void> {
  for (const name of ['imc-dispatcher', 'mt-broker-filter']) {
    const log = await kubectl.run(['logs', '-n', 'knative-eventing', `deployment/${name}`]);
    const lines = log.split('\n').filter((line) => /"(?:warn|error)"|Unable to/i.test(line));
    for (const line of lines) screen.note(line);
  }
}

/** Where requests for functions are taken in the cluster. */
async function networkLayerOf(kubectl: Command): Promise<string> {
  const service = ['service/clover-ingress-internal', '-n', 'clover-ingress'];
  const url = 'http://{.spec.clusterIP}:{.spec.ports[0].port}';
  return kubectl.run(['get', ...service, '-o', `jsonpath=${url}`]);
}

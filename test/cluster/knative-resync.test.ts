import { setTimeout as sleep } from 'node:timers/promises';
import {
  field,
  guardedByFile,
  own,
  patience,
  programmed,
  toldOf,
  type Guarded,
} from './installation/guarded.ts';
import { policyOfWeb, shop, shortRun } from './installation/objects.ts';
import { apply } from './installation/stage.ts';

const { serial, started } = await guardedByFile({ resyncMinutes: 1 });

const inShop = ['-n', shop];
/** Of kubectl: Deployments with their pods. What brings events of resources to the broker, and what brings them on from there. */
const source = [...own, '-l', 'eventing.knative.dev/sourceName=resource-events'];
const dispatcher = ['-n', 'knative-eventing', '-l', 'app.kubernetes.io/component=imc-dispatcher'];

/** Weights of the versions of a Service, as the mesh has them. */
const weightsOf = (stage: Guarded, name: string): Promise<string> =>
  field(stage, '{.spec.http[0].route[*].weight}', ...inShop, `virtualservice/${name}`);

async function weightsWhen(stage: Guarded, name: string, wanted: string): Promise<void> {
  while ((await weightsOf(stage, name).catch(() => '')) !== wanted) await sleep(500);
}

/** Shares the traffic of a Service; resolves to the generation of its policy from then on. */
async function share(
  stage: Guarded,
  name: string,
  weights: readonly [number, number],
): Promise<number> {
  const split = policyOfWeb.spec.rules[0]?.split.map(({ version }, at) => ({
    version,
    weight: weights[at],
  }));
  const target = { host: name, port: 8_080 };
  const spec = { ...policyOfWeb.spec, target, rules: [{ split }] };
  await apply(stage, { ...policyOfWeb, metadata: { name, namespace: shop }, spec });
  return Number(await field(stage, '{.metadata.generation}', ...inShop, `trafficpolicy/${name}`));
}

/** Changes a policy until the watcher is told of a change: its source is there again. */
async function shareUntilTold(stage: Guarded, name: string): Promise<void> {
  const mine: number[] = [];
  while (!mine.some((generation) => toldOf(stage, name).has(generation))) {
    const weight = (mine.length % 49) + 1;
    mine.push(await share(stage, name, [100 - weight, weight]));
    await sleep(1_000);
  }
}

async function takeAway({ tier }: Guarded, deployments: readonly string[]): Promise<void> {
  await tier.kubectl(['scale', 'deployments', ...deployments, '--replicas=0']);
  await tier.kubectl(['wait', '--for=delete', patience, 'pods', ...deployments]);
}

async function bringBack({ tier }: Guarded, deployments: readonly string[]): Promise<void> {
  await tier.kubectl(['scale', 'deployments', ...deployments, '--replicas=1']);
  await tier.kubectl(['rollout', 'status', patience, 'deployments', ...deployments]);
}

serial('a change whose event was lost on its way is in the mesh at the next resync', async (t) => {
  t.timeout(400_000);
  const stage = await started;
  const { tier } = stage;
  await programmed(stage, 'unheard');
  t.is(await weightsOf(stage, 'unheard'), '1');
  // Nothing else ticks where every policy is in force, and no Experiment runs.
  await tier.kubectl(['wait', '--for=delete', patience, ...own, 'pingsource/policy-settle']);
  await takeAway(stage, dispatcher);
  const lost = await share(stage, 'unheard', [50, 50]);
  await weightsWhen(stage, 'unheard', '1 1');
  await bringBack(stage, dispatcher);
  await shareUntilTold(stage, 'unheard');
  t.false(toldOf(stage, 'unheard').has(lost), 'nobody is told of it later');
});

serial(
  'without their events an Experiment begins, its deletion takes its weights back, and the routes of a policy that is deleted go',
  async (t) => {
    t.timeout(500_000);
    const stage = await started;
    const { tier } = stage;
    await programmed(stage, 'unseen');
    await takeAway(stage, source);
    const [, , experiment = {}] = shortRun('unseen', '30m');
    await apply(stage, experiment);
    await weightsWhen(stage, 'unseen', '1 1');
    await tier.kubectl(['delete', ...inShop, 'experiment/unseen', patience]);
    t.is(await weightsOf(stage, 'unseen'), '1', 'its finalizer holds it until then');
    await tier.kubectl(['delete', ...inShop, 'trafficpolicy/unseen']);
    const gone = ['wait', '--for=delete', patience, ...inShop];
    await t.notThrowsAsync(tier.kubectl([...gone, 'virtualservice/unseen']));
    await bringBack(stage, source);
    await shareUntilTold(stage, 'unheard');
  },
);

serial(
  'after a restart of the API server the newest change is in the mesh, an Experiment goes on, and changes are told again',
  async (t) => {
    t.timeout(500_000);
    const stage = await started;
    const { tier } = stage;
    await programmed(stage, 'restarted');
    const [, , experiment = {}] = shortRun('restarted', '60s');
    await apply(stage, experiment);
    await weightsWhen(stage, 'restarted', '1 1');
    const changes: number[] = [];
    const change = async (...weights: [number, number]): Promise<void> => {
      changes.push(await share(stage, 'unheard', weights));
    };
    await change(90, 10);
    await tier.restartApiServer();
    for (const weight of [80, 70, 60]) await change(weight, 100 - weight);
    await change(50, 50);
    await weightsWhen(stage, 'unheard', '1 1');
    const told = toldOf(stage, 'unheard');
    t.log(
      `told of ${changes.filter((each) => told.has(each)).length} of ${changes.length} changes`,
    );
    const ended = ['wait', '--for=jsonpath={.status.phase}=RolledBack', patience, ...inShop];
    await tier.kubectl([...ended, 'experiment/restarted']);
    await weightsWhen(stage, 'restarted', '1');
    await t.notThrowsAsync(shareUntilTold(stage, 'unheard'));
  },
);

serial('no event is a dead letter at the end', async (t) => {
  const { operator } = await started;
  const listed = await operator.cloverctl('deadletters', 'list', '--json');
  t.is(listed.code, 0, listed.stderr);
  t.deepEqual(JSON.parse(listed.stdout), { items: [] });
});

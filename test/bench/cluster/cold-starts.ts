import { setTimeout as sleep } from 'node:timers/promises';
import { z } from 'zod';
import { checkedInstallation, chosenSettings } from '../../../cloverctl/installation/settings.ts';
import { eventTypes } from '../../../knative/events.ts';
import { deployedFunctions, type FunctionRow } from '../../../knative/render/function-table.ts';
import { imageOf } from '../../../knative/render/image.ts';
import type { Installation } from '../../../knative/render/installation.ts';
import { functionService } from '../../../knative/render/service.ts';
import { cloverNamespace } from '../../cluster/installation/prepare.ts';
import { apply, type Stage } from '../../cluster/installation/stage.ts';
import { agentToken } from '../../cluster/installation/agent-token.ts';
import { viewerToken } from '../../cluster/installation/viewer-token.ts';
import { createBatchMaker } from '../ingest-batches.ts';
import type { Figures } from '../lib/bench.ts';
import { median } from '../lib/median.ts';
import { hostOf, networkLayerUrl } from './addresses.ts';
import { ask, eventHeaders, type Ask } from './ask.ts';
import { importSmallest, smallest } from './smallest-function.ts';

/** Odd. */
const rounds = 7;
const sample = 'hello';

type Question = Omit<Ask, 'url'> & { readonly path?: string };

const event = (type: string, source: string, data: object = {}): Omit<Ask, 'url'> => ({
  headers: {
    ...eventHeaders({ id: '1', source, type, time: '2026-01-01T00:00:00Z' }),
    'content-type': 'application/json',
  },
  body: JSON.stringify(data),
});
const hello = event('com.example.hello.v1', '/bench');
const tickOf = (schedule: string): Omit<Ask, 'url'> =>
  event(eventTypes.tick, `/apis/v1/namespaces/${cloverNamespace}/pingsources/${schedule}`);
const spans: Omit<Ask, 'url'> = {
  headers: {
    ...eventHeaders({ id: '1', source: '/bench', type: eventTypes.spans }),
    'content-type': 'application/x-protobuf',
    'content-encoding': 'zstd',
  },
  body: createBatchMaker()(1, Date.now()).body,
};
const missing = {
  apiVersion: 'clover.dev/v1alpha1',
  kind: 'Experiment',
  namespace: cloverNamespace,
  name: 'missing',
  uid: 'missing',
  resourceVersion: '1',
};

/**
 * What a pod has beside its container makes it start later, whatever runs there: the kubelet fetches a token for the API server and mounts it,
 * and reads a Secret. So that a function is also compared with the smallest one in a pod like its own.
 */
type PodShape = Pick<FunctionRow, 'access' | 'others' | 'clickhouse'>;
const asksApiServer = ({ access, others = [] }: PodShape): boolean =>
  access.length + others.length > 0;
const twinOf = (shape: PodShape): string =>
  [
    smallest,
    ...(asksApiServer(shape) ? ['token'] : []),
    ...(shape.clickhouse ? ['secret'] : []),
  ].join('-');
const shapes: readonly PodShape[] = [
  { access: [], clickhouse: false },
  { access: [], clickhouse: true },
  { access: [{ kind: 'Tap', verbs: ['get'] }], clickhouse: false },
  { access: [{ kind: 'Tap', verbs: ['get'] }], clickhouse: true },
];

/**
 * What each is asked: the least that it is there for. The API, `evaluate` and `policy` list objects of the API server, `notify` looks for one
 * that is not there, and `ingest` stores a span.
 */
const asked: Readonly<Record<string, Question>> = {
  [sample]: hello,
  api: { path: '/apis/clover.dev/v1alpha1/experiments' },
  evaluate: tickOf('evaluate-resync'),
  ingest: spans,
  notify: event(eventTypes.resourceUpdated, '/bench', missing),
  policy: tickOf('policy-resync'),
};

const twins: Readonly<Record<string, string>> = {
  [sample]: smallest,
  ...Object.fromEntries(deployedFunctions.map(({ row }) => [row.name, twinOf(row)])),
};

/**
 * Cold starts of functions that all run the same way, each from zero pods, one after the other and in another order each round: from
 * the request, which Knative's activator holds, to the end of the answer. A ratio is the median of those of the rounds: to the smallest function
 * there can be, and to the same one in a pod with the token and the Secret that the function has.
 */
export async function measureColdStarts(
  stage: Stage,
  progress: (line: string) => void,
  signal: AbortSignal,
): Promise<Figures> {
  progress('more functions: the sample, and the smallest there can be in each kind of pod');
  await addFunctions(stage);
  const layer = await networkLayerUrl(stage.tier);
  const viewer = await viewerToken((args) => stage.tier.kubectl(args));
  const agent = await agentToken(stage.tier);
  const names = [...shapes.map(twinOf), ...Object.keys(asked)];
  const found: Record<string, number>[] = [];
  for (let round = 0; round < rounds; round += 1) {
    await untilNoPod(stage, signal);
    const turns = [...names.slice(round % names.length), ...names.slice(0, round % names.length)];
    const ms: Record<string, number> = {};
    for (const name of turns) {
      const { path = '/', headers = {}, ...what }: Question = asked[name] ?? hello;
      const began = performance.now();
      await ask({
        ...what,
        url: `${layer}${path}`,
        host: hostOf(name),
        // Who needs none passes it over.
        headers: { authorization: `Bearer ${name === 'ingest' ? agent : viewer}`, ...headers },
      });
      ms[name] = performance.now() - began;
      signal.throwIfAborted();
    }
    found.push(ms);
    const said = names.map((name) => `${name} ${ms[name]?.toFixed(0)}`).join(', ');
    progress(`cold starts ${round + 1}/${rounds}, ms: ${said}`);
  }
  const each = (
    of: readonly string[],
    figure: (msOf: (name: string) => number, name: string) => number,
  ) =>
    Object.fromEntries(
      of.map((name) => [
        name,
        median(found.map((ms) => figure((other) => ms[other] ?? Number.NaN, name))),
      ]),
    );
  return {
    coldStartMs: each(names, (ms, name) => ms(name)),
    coldStartRatio: each(names, (ms, name) => ms(name) / ms(smallest)),
    coldStartRatioInLikePod: each(
      Object.keys(asked),
      (ms, name) => ms(name) / ms(twins[name] ?? smallest),
    ),
  };
}

/** Runs those that are not of the installation as it runs its own. */
async function addFunctions(stage: Stage): Promise<void> {
  const found = { namespace: cloverNamespace, knative: true };
  const installation = checkedInstallation(chosenSettings({ filename: stage.settings }), found);
  await stage.tier.importClover([sample]);
  const more = [
    functionObjects(installation, sample),
    ...shapes.map((shape) => functionObjects(installation, twinOf(shape), shape)),
  ];
  for (const shape of shapes) {
    await importSmallest(stage.tier, imageOf(installation, twinOf(shape)));
  }
  await apply(stage, ...more.flat());
  const services = [sample, ...shapes.map(twinOf)].map((name) => `ksvc/${name}`);
  const ready = ['wait', '--for=condition=Ready', '--timeout=180s', '-n', cloverNamespace];
  await stage.tier.kubectl([...ready, ...services]);
}

function functionObjects(
  installation: Installation,
  name: string,
  shape: PodShape = { access: [], clickhouse: false },
): object[] {
  const row: FunctionRow = {
    name,
    maxScale: 1,
    containerConcurrency: 100,
    timeoutSeconds: 60,
    resources: { requests: { cpu: '25m', memory: '64Mi' }, limits: { memory: '256Mi' } },
    emits: [],
    ...shape,
  };
  const entry = { name, triggers: [], schedules: [], direct: [], paths: [] };
  const metadata = { name, namespace: cloverNamespace };
  return [
    {
      apiVersion: 'v1',
      kind: 'ServiceAccount',
      metadata,
      ...(!asksApiServer(shape) && { automountServiceAccountToken: false }),
    },
    functionService(installation, { entry, row }),
  ];
}

const podList = z.object({ items: z.array(z.unknown()) });

/** Resolves when no function has a pod, nor one that is about to end. */
async function untilNoPod({ client }: Stage, signal: AbortSignal): Promise<void> {
  const path = `/api/v1/namespaces/${cloverNamespace}/pods`;
  const query = { labelSelector: 'serving.knative.dev/service' };
  while (podList.parse(await client.call({ method: 'GET', path, query })).items.length > 0) {
    await sleep(500, undefined, { signal });
  }
}

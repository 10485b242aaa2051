import { setTimeout as sleep } from 'node:timers/promises';
import fc from 'fast-check';
import { z } from 'zod';
import { canonicalJson } from '../../functions/lib/canonical-json.ts';
import { CloverError } from '../../functions/lib/errors.ts';
import { isRecord } from '../../functions/lib/plain-value.ts';
import type { KubeClient } from '../../functions/resources/kubernetes/client.ts';
import { judgeDocument } from '../../functions/resources/schema/judge-document.ts';
import { customResourceDefinition } from '../../knative/crd.ts';
import { kinds, type Kind } from '../../knative/resources/kinds.ts';
import { apiOfFile, makeNamespace } from '../cluster/api-of-file.ts';
import { kubectl, kubectlLines, kubectlWith } from '../cluster/kubectl.ts';
import { least } from '../conformance/crd/cases.ts';
import { brokenOnce, changedAt, documentOf } from '../conformance/crd/documents.ts';
import { examples } from '../functions/resources/examples.ts';
import { inTheMiddle, makeStory } from './story.ts';

const apiTest = await apiOfFile();
const runs = Number(process.env['CRD_RUNS'] ?? 100);
const group = '/apis/clover.dev/v1alpha1';

const exampleRun = changedAt(least.ExperimentRun, ['spec', 'plan'], examples.Experiment.spec);
const exampleOf = (kind: Kind): unknown => (kind === 'ExperimentRun' ? exampleRun : examples[kind]);
const pluralOf = (kind: Kind): string => customResourceDefinition(kind).spec.names.plural;

function namespaceOf(document: unknown): unknown {
  const metadata = isRecord(document) ? document['metadata'] : undefined;
  return isRecord(metadata) ? metadata['namespace'] : undefined;
}

/** The fields that a server names; undefined: it takes the document. */
async function serverFields(
  client: KubeClient,
  kind: Kind,
  document: unknown,
): Promise<readonly string[] | undefined> {
  const namespace = namespaceOf(document) === undefined ? 'default' : 'shop';
  try {
    await client.call({
      method: 'POST',
      path: `${group}/namespaces/${namespace}/${pluralOf(kind)}`,
      query: { dryRun: 'All', fieldValidation: 'Strict' },
      body: document,
    });
    return undefined;
  } catch (error) {
    const codes = ['CLV_RESOURCE_INVALID', 'CLV_ARGUMENT_INVALID', 'CLV_NOT_FOUND'];
    if (!(error instanceof CloverError) || !codes.includes(error.code)) throw error;
    return error.details.map(({ field }) => field);
  }
}

const node = z.object({
  description: z.string().optional(),
  get properties() {
    return z.record(z.string(), node).optional();
  },
  get items() {
    return node.optional();
  },
});
const published = z.object({ components: z.object({ schemas: z.record(z.string(), node) }) });

function fieldsWithoutWords(schema: z.output<typeof node> | undefined, path: string): string[] {
  if (schema?.items !== undefined) return fieldsWithoutWords(schema.items, path);
  return Object.entries(schema?.properties ?? {}).flatMap(([name, field]) => {
    const inner = fieldsWithoutWords(field, `${path}.${name}`);
    return name === 'metadata' || (field.description ?? '') !== ''
      ? inner
      : inner.concat(`${path}.${name}`);
  });
}

const isPlain = (field: string): boolean => /^[\w.[\]-]*[\w\]]$/.test(field);

/** Of two paths one is a part of the other: the server names an item of a list where we name its key, and the like. */
function areOneInAnother(a: string, b: string): boolean {
  const [short, long] = a.length < b.length ? [a, b] : [b, a];
  return long.startsWith(short) && /^($|[.[])/.test(long.slice(short.length));
}

for (const { kind } of kinds) {
  const documents: readonly [string, fc.Arbitrary<unknown>][] = [
    ['by its schema', documentOf(kind, 0)],
    ['nearly by its schema', documentOf(kind, 60)],
    ['with one place broken', brokenOnce(exampleOf(kind))],
  ];
  for (const [title, arbitrary] of documents) {
    apiTest(`the real server and we agree on documents of ${kind} ${title}`, async (t, api) => {
      await makeNamespace(api.client, 'shop');
      let accepted = 0;
      let named = 0;
      await fc.assert(
        fc.asyncProperty(arbitrary, async (document) => {
          // Another namespace would have to exist first.
          const namespace = namespaceOf(document);
          fc.pre(namespace === undefined || namespace === 'shop');
          const { misfits, broken } = judgeDocument(kind, document);
          const ours = [...misfits, ...broken].map(({ field }) => field);
          const theirs = await serverFields(api.client, kind, document);
          const said = canonicalJson({ document, misfits, broken, theirs: theirs ?? null });
          t.is(ours.length === 0, theirs === undefined, said);
          if (theirs === undefined) accepted += 1;
          // What the server cannot decode at all, it refuses without a field; odd keys are quoted in another way.
          if (theirs === undefined || theirs.length === 0 || !theirs.every(isPlain)) return;
          named += 1;
          const shared = theirs.some((field) => ours.some((own) => areOneInAnother(own, field)));
          t.true(shared, said);
        }),
        { numRuns: runs },
      );
      t.log(`${runs} documents, ${accepted} accepted, ${named} refused by the name of a field`);
      if (title !== 'by its schema') t.true(named > 0);
    });
  }
}

const cells = (line = ''): string[] => line.trim().split(/\s{2,}/);

apiTest('kubectl shows of each kind what a user looks for', async (t, { tier, client }) => {
  await makeStory(client);
  const get = async (...args: string[]) =>
    (await kubectl(tier, 'get', '--namespace=shop', ...args)).trimEnd().split('\n').map(cells);

  const [head, row] = await get('experiments');
  t.deepEqual(head, [
    'NAME',
    'TARGET',
    'CONTROL',
    'VARIANT',
    'PHASE',
    'STEP',
    'WEIGHT',
    'VERDICT',
    'AGE',
  ]);
  t.deepEqual(row?.slice(0, 7), ['try-v2', 'proxy', 'v1', 'v2', 'Running', '2/2', '50']);
  t.deepEqual((await get('exp', '--output=wide'))[0]?.slice(-3), ['REASON', 'RUN', 'AGE']);
  const [runHead, run] = await get('run', '--output=wide');
  t.deepEqual(runHead?.slice(3, 8), ['WEIGHT', 'VERDICT', 'STARTED', 'ENDED', 'LOOK']);
  t.is(run?.[3], '26h');
  t.deepEqual((await get('tap'))[1]?.slice(0, 3), ['web', '{"app":"web"}', '[80,8080]']);
  t.deepEqual((await get('tp'))[1]?.slice(0, 3), ['proxy', 'shop.example', '8080']);
  // Everything of ours by one word.
  const all = (await get('clover', '--output=name')).flat();
  t.deepEqual(all, [
    'experimentrun.clover.dev/try-v2-1',
    'experiment.clover.dev/try-v2',
    'tap.clover.dev/web',
    'trafficpolicy.clover.dev/proxy',
  ]);
});

apiTest('kubectl get -w tells each step and the verdict', async (t, { tier, client }) => {
  const store = await makeStory(client);
  const seen: string[][] = [];
  const args = ['get', 'experiments', '--namespace=shop', '--watch', '--no-headers'];
  for await (const line of kubectlLines(tier, ...args)) {
    seen.push(cells(line).slice(4, 8));
    const experiment = await store.get('Experiment', 'shop', 'try-v2');
    if (experiment === undefined || seen.length === 3) break;
    const { step: _, ...rest } = inTheMiddle;
    const next = seen.length === 1 ? { weight: 100 } : { phase: 'Succeeded' as const };
    await store.patchStatus<'Experiment'>(experiment, {
      ...rest,
      phase: 'Verifying',
      weight: 100,
      verdict: 'PASS',
      ...next,
    });
  }
  t.deepEqual(seen[0]?.slice(0, 3), ['Running', '2/2', '50']);
  t.deepEqual(seen[1]?.slice(0, 3), ['Verifying', '100', 'PASS']);
  t.deepEqual(seen[2]?.slice(0, 3), ['Succeeded', '100', 'PASS']);
});

apiTest('objects can be selected by what tells them apart', async (t, { tier, client }) => {
  await makeStory(client);
  for (const [selector, kind, found] of [
    ['status.phase=Running', 'experiments', true],
    ['status.phase=Pending', 'experiments', false],
    ['spec.targetRef.name=proxy,status.phase!=Pending', 'experiments', true],
    ['spec.target.host=shop.example', 'trafficpolicies', true],
  ] as const) {
    const args = ['get', kind, '--namespace=shop', '--output=name', `--field-selector=${selector}`];
    t.is((await kubectl(tier, ...args)) !== '', found, selector);
  }
});

apiTest('status is apart from spec, and nothing can be scaled', async (t, { tier, client }) => {
  const store = await makeStory(client);
  const before = await store.get('Experiment', 'shop', 'try-v2');
  const patch = JSON.stringify({ status: { phase: 'Failed' } });
  await kubectl(tier, 'patch', 'exp', 'try-v2', '-n=shop', '--type=merge', `--patch=${patch}`);
  const after = await store.get('Experiment', 'shop', 'try-v2');
  t.is(after?.status.phase, 'Running');
  t.is(after?.metadata.generation, before?.metadata.generation);
  await t.throwsAsync(kubectl(tier, 'scale', 'exp', 'try-v2', '-n=shop', '--replicas=2'), {
    message: /could not find the requested resource|NotFound/,
  });
});

apiTest('kubectl explains every field of every kind', async (t, { tier, client }) => {
  const document = await client.call({
    method: 'GET',
    path: '/openapi/v3/apis/clover.dev/v1alpha1',
  });
  const { components } = published.parse(document);
  for (const { kind } of kinds) {
    const schema = components.schemas[`dev.clover.v1alpha1.${kind}`];
    // The server's own metadata is in another document.
    t.deepEqual(fieldsWithoutWords(schema, kind.toLowerCase()), []);
  }
  t.regex(await kubectl(tier, 'explain', 'experiment'), /Compares two versions of a service/);
  const plan = await kubectl(tier, 'explain', 'experiment.spec.plan');
  t.regex(plan, /Weights of the variant, step by step/);
  t.regex(plan, /weight\s+<number> -required-\n\s+Share of the variant, in percent\./);
  t.regex(
    await kubectl(tier, 'explain', 'tp.spec.rules.split.fault.delay.duration'),
    /How long requests wait\./,
  );
});

apiTest(
  'a kind goes to its next version without an object lost, and leaves the first one',
  async (t, { tier, client }) => {
    const store = await makeStory(client);
    const before = await store.get('Tap', 'shop', 'web');
    const definition = customResourceDefinition('Tap');
    const [first] = definition.spec.versions;
    if (first === undefined) throw new Error('no version');
    const next = { ...first, name: 'v1beta1', storage: true };
    const { name } = definition.metadata;
    const path = `/apis/apiextensions.k8s.io/v1/customresourcedefinitions/${name}`;
    const serve = async (versions: readonly object[]): Promise<unknown> =>
      client.call({
        method: 'PATCH',
        path,
        contentType: 'application/apply-patch+yaml',
        query: { fieldManager: 'test', fieldValidation: 'Strict', force: 'true' },
        body: { ...definition, spec: { ...definition.spec, versions } },
      });
    await serve([{ ...first, storage: false, deprecated: true }, next]);
    const beta = '/apis/clover.dev/v1beta1/namespaces/shop/taps/web';
    const read = async (): Promise<unknown> => client.call({ method: 'GET', path: beta });
    while (
      !(await read().then(
        () => true,
        () => false,
      ))
    )
      await sleep(50);
    t.like(await read(), { apiVersion: 'clover.dev/v1beta1', spec: before?.spec });
    // Code of the first version goes on, and kubectl is warned.
    t.deepEqual((await store.get('Tap', 'shop', 'web'))?.spec, before?.spec);
    const old = await kubectlWith(tier, '', 'get', 'taps.v1alpha1.clover.dev', '-n=shop');
    t.regex(old, /clover\.dev\/v1alpha1 Tap is deprecated/);

    // A write without a change is stored anew, if it is stored in another version.
    await client.call({ method: 'PUT', path: beta, body: await read() });
    await client.call({
      method: 'PATCH',
      path: `${path}/status`,
      contentType: 'application/merge-patch+json',
      body: { status: { storedVersions: ['v1beta1'] } },
    });
    await serve([next]);
    t.like(await read(), { spec: before?.spec });
    while (await store.get('Tap', 'shop', 'web')) await sleep(50);
  },
);

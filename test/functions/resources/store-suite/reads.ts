import type { ListOptions, ResourceList } from '../../../../functions/resources/store.ts';
import { examples } from '../examples.ts';
import {
  by,
  demand,
  named,
  policyOf,
  refusal,
  tapOf,
  type Declare,
  type OpenStore,
  type StoreHarness,
} from './harness.ts';

/** a to c in the first namespace, d and e in the second; b and d are of another team. */
async function fill({ store, namespaces: [one, two] }: StoreHarness): Promise<void> {
  for (const [name, namespace, team] of [
    ['e', two, 'x'],
    ['a', one, 'x'],
    ['c', one, 'x'],
    ['b', one, 'y'],
    ['d', two, 'y'],
  ] as const) {
    await store.applySpec(tapOf(namespace, name, { labels: { team } }), by);
  }
}

/** How a store answers to reads. */
export function readsSuite(test: Declare, suite: string, open: OpenStore): void {
  test(`${suite}: an object is found by kind, namespace and name together`, async (t) => {
    const { store, namespaces } = await open(t);
    const [one, two] = namespaces;
    const made: unknown = await store.applySpec(tapOf(one, 'web'), by);
    const found: unknown = await store.get('Tap', one, 'web');
    t.deepEqual(found, made);
    t.is(await store.get('Tap', two, 'web'), undefined);
    t.is(await store.get('Tap', one, 'other'), undefined);
    t.is(await store.get('TrafficPolicy', one, 'web'), undefined);
  });

  test(`${suite}: a list is of one kind, of one namespace or all, by namespace and name`, async (t) => {
    const harness = await open(t);
    const [one, two] = harness.namespaces;
    await fill(harness);
    await harness.store.applySpec(policyOf(one), by);
    const all = (await harness.store.list('Tap', undefined, { labelSelector: 'team' })).items;
    const own = all.filter(({ metadata }) => harness.namespaces.includes(metadata.namespace));
    t.deepEqual(named(own), ['a', 'b', 'c', 'd', 'e']);
    t.deepEqual(named((await harness.store.list('Tap', two)).items), ['d', 'e']);
    t.deepEqual(named((await harness.store.list('TrafficPolicy', one)).items), ['proxy']);
    t.deepEqual((await harness.store.list('Experiment', one)).items, []);
    const listed: unknown = (await harness.store.list('Tap', one)).items[0];
    t.deepEqual(listed, await harness.store.get('Tap', one, 'a'));
  });

  test(`${suite}: a list is of the objects that its selector names`, async (t) => {
    const harness = await open(t);
    const [one, two] = harness.namespaces;
    await fill(harness);
    const list = async (namespace: string, options: ListOptions): Promise<string[]> =>
      named((await harness.store.list('Tap', namespace, options)).items);
    t.deepEqual(await list(one, { labelSelector: 'team=y' }), ['b']);
    t.deepEqual(await list(one, { labelSelector: 'team notin (y)' }), ['a', 'c']);
    t.deepEqual(await list(two, { labelSelector: '!team' }), []);
    t.deepEqual(await list(one, { name: 'c' }), ['c']);
    t.deepEqual(await list(one, { name: 'c', labelSelector: 'team=y' }), []);
    t.deepEqual(await list(two, { name: 'c' }), []);
    const bad = await refusal(() => list(one, { labelSelector: 'a in' }));
    t.regex(bad, /^CLV_ARGUMENT_INVALID labelSelector/);
  });

  test(`${suite}: pages show each object that stays once, whatever comes and goes between them`, async (t) => {
    const harness = await open(t);
    const { store, namespaces } = harness;
    const [one] = namespaces;
    for (const name of ['a', 'b', 'c', 'd', 'e', 'f', 'g'])
      await store.applySpec(tapOf(one, name), by);
    const seen: string[] = [];
    const versions = new Set<string>();
    const sizes: number[] = [];
    let page: ResourceList<'Tap'> | undefined;
    do {
      const next: ListOptions = page?.continue === undefined ? {} : { continue: page.continue };
      page = await store.list('Tap', one, { limit: 2, ...next });
      seen.push(...named(page.items));
      sizes.push(page.items.length);
      versions.add(page.resourceVersion);
      if (sizes.length > 1) continue;
      t.true((page.remainingItemCount ?? 5) === 5);
      await store.applySpec(tapOf(one, 'bb'), by);
      await store.delete('Tap', one, 'a');
      await store.delete('Tap', one, 'e');
    } while (page.continue !== undefined && sizes.length < 10);
    const stayed = seen.filter((name) => !['bb', 'e'].includes(name));
    t.deepEqual(stayed, ['a', 'b', 'c', 'd', 'f', 'g']);
    t.is(new Set(seen).size, seen.length);
    t.true(sizes.every((size) => size <= 2));
    t.is(versions.size, 1);
    t.is(page.remainingItemCount, undefined);
  });

  test(`${suite}: a list is of the objects whose selectable fields are as it says`, async (t) => {
    const { store, namespaces } = await open(t);
    const [one] = namespaces;
    const plan = examples.Experiment.spec;
    const phases = { a: 'Running', b: 'Failed', c: undefined } as const;
    for (const [name, phase] of Object.entries(phases)) {
      const experiment = { name: name === 'a' ? 'x' : 'y', uid: 'u', generation: 1 };
      const metadata = { namespace: one, name };
      await store.applySpec({ kind: 'ExperimentRun', metadata, spec: { experiment, plan } }, by);
      if (phase === undefined) continue;
      const run = await demand(store, 'ExperimentRun', one, name);
      await store.patchStatus<'ExperimentRun'>(run, { phase });
    }
    const list = async (options: ListOptions): Promise<string[]> =>
      named((await store.list('ExperimentRun', one, options)).items);
    t.deepEqual(await list({ unfinished: true }), ['a', 'c']);
    t.deepEqual(await list({ fields: { 'spec.experiment.name': 'y' } }), ['b', 'c']);
    t.deepEqual(await list({ fields: { 'spec.experiment.name': 'y' }, unfinished: true }), ['c']);
    const first = await store.list('ExperimentRun', one, { unfinished: true, limit: 1 });
    t.deepEqual([named(first.items), first.remainingItemCount], [['a'], undefined]);
    const next = first.continue ?? '';
    t.deepEqual(await list({ unfinished: true, continue: next }), ['c']);
  });

  test(`${suite}: pages of a selection go on in the selection`, async (t) => {
    const harness = await open(t);
    const [one] = harness.namespaces;
    await fill(harness);
    const options = { labelSelector: 'team=x', limit: 1 };
    const first = await harness.store.list('Tap', one, options);
    t.deepEqual([named(first.items), first.remainingItemCount], [['a'], undefined]);
    const rest = await harness.store.list('Tap', one, {
      ...options,
      continue: first.continue ?? '',
    });
    t.deepEqual([named(rest.items), rest.continue], [['c'], undefined]);
  });

  test(`${suite}: a continue that is none, or too old, is refused`, async (t) => {
    const harness = await open(t);
    const { store, namespaces } = harness;
    const [one] = namespaces;
    await fill(harness);
    const list = (token: string) => store.list('Tap', one, { limit: 1, continue: token });
    t.is(await refusal(() => list('none')), 'CLV_ARGUMENT_INVALID continue');
    const { continue: next = '' } = await store.list('Tap', one, { limit: 1 });
    t.deepEqual(named((await list(next)).items), ['b']);
    await harness.forceGone();
    t.is(await refusal(() => list(next)), 'CLV_RESOURCE_GONE');
    t.is((await demand(store, 'Tap', one, 'b')).metadata.name, 'b');
  });
}

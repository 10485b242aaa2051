import { CloverError } from '../../../../functions/lib/errors.ts';
import { examples } from '../examples.ts';
import { by, demand, policyOf, refusal, tapOf, type Declare, type OpenStore } from './harness.ts';

const run = (namespace: string, minSamples: number) => ({
  kind: 'ExperimentRun' as const,
  metadata: { name: 'try-v2-1', namespace },
  spec: {
    experiment: { name: 'try-v2', uid: 'u', generation: 1 },
    plan: { ...examples.Experiment.spec, minSamples },
  },
});

/** What applies and status writes do. */
export function writesSuite(test: Declare, suite: string, open: OpenStore): void {
  test(`${suite}: a created object has its metadata, its defaults and an empty status`, async (t) => {
    const { store, namespaces } = await open(t);
    const [one] = namespaces;
    const made = await store.applySpec(tapOf(one, 'web', { labels: { a: 'b' } }), by);
    t.like(made.metadata, { name: 'web', namespace: one, generation: 1, labels: { a: 'b' } });
    t.regex(made.metadata.uid, /^[\da-f]{8}-/);
    t.regex(made.metadata.creationTimestamp, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$/);
    t.not(made.metadata.resourceVersion, '');
    const spec: unknown = made.spec;
    t.deepEqual(spec, { selector: { matchLabels: {} }, ports: [80] });
    t.deepEqual(made.status, {});
    t.is(made.metadata.deletionTimestamp, undefined);
    t.is(made.metadata.finalizers, undefined);
  });

  test(`${suite}: the same document again changes nothing`, async (t) => {
    const { store, namespaces } = await open(t);
    const first = await store.applySpec(policyOf(namespaces[0]), by);
    const again = structuredClone(policyOf(namespaces[0]));
    t.deepEqual(await store.applySpec(again, by), first);
  });

  test(`${suite}: only another spec counts up the generation; labels go that are not applied again`, async (t) => {
    const { store, namespaces } = await open(t);
    const [one] = namespaces;
    const first = await store.applySpec(tapOf(one, 'web'), by);
    const labelled = await store.applySpec(tapOf(one, 'web', { labels: { a: 'b' } }), by);
    t.like(labelled.metadata, { uid: first.metadata.uid, generation: 1, labels: { a: 'b' } });
    t.not(labelled.metadata.resourceVersion, first.metadata.resourceVersion);
    const changed = await store.applySpec(tapOf(one, 'web', { port: 81 }), by);
    t.like(changed.metadata, { uid: first.metadata.uid, generation: 2 });
    t.is(changed.metadata.labels, undefined);
    t.is(changed.metadata.creationTimestamp, first.metadata.creationTimestamp);
  });

  test(`${suite}: the last apply has the whole spec, whoever wrote it before`, async (t) => {
    const { store, namespaces } = await open(t);
    const [one] = namespaces;
    const tap = tapOf(one, 'web');
    await store.applySpec({ ...tap, spec: { selector: { matchLabels: { app: 'a' } } } }, by);
    const taken = await store.applySpec(tap, { manager: 'another' });
    const spec: unknown = taken.spec;
    t.deepEqual(spec, { selector: { matchLabels: {} }, ports: [80] });
    t.is(taken.metadata.generation, 2);
    const back = await store.applySpec({ ...tap, spec: {} }, by);
    const left: unknown = back.spec;
    t.deepEqual(left, { selector: { matchLabels: {} } });
  });

  test(`${suite}: an apply keeps to the version that it names`, async (t) => {
    const { store, namespaces } = await open(t);
    const [one] = namespaces;
    const apply = (resourceVersion: string, port: number) =>
      store.applySpec(tapOf(one, 'web', { port }), { ...by, resourceVersion });
    const first = await apply('', 80);
    t.is(await refusal(() => apply('', 81)), 'CLV_CONFLICT');
    const { resourceVersion } = first.metadata;
    const second = await apply(resourceVersion, 81);
    t.is(await refusal(() => apply(resourceVersion, 82)), 'CLV_CONFLICT');
    t.deepEqual(second, await demand(store, 'Tap', one, 'web'));
    await store.delete('Tap', one, 'web');
    t.is(await refusal(() => apply(second.metadata.resourceVersion, 82)), 'CLV_CONFLICT');
    t.is(await store.get('Tap', one, 'web'), undefined);
  });

  test(`${suite}: of applies at one version one is stored`, async (t) => {
    const { store, namespaces } = await open(t);
    const [one] = namespaces;
    const { resourceVersion } = (await store.applySpec(tapOf(one, 'web'), by)).metadata;
    const results = await Promise.allSettled(
      [81, 82, 83, 84].map((port) =>
        store.applySpec(tapOf(one, 'web', { port }), { ...by, resourceVersion }),
      ),
    );
    const [won, ...more] = results.flatMap((result) =>
      result.status === 'fulfilled' ? [result.value] : [],
    );
    t.is(more.length, 0);
    t.deepEqual(won, await demand(store, 'Tap', one, 'web'));
  });

  test(`${suite}: a dry run checks, shows what would be, and stores nothing`, async (t) => {
    const { store, namespaces } = await open(t);
    const [one] = namespaces;
    const dry = { ...by, dryRun: true };
    t.is((await store.applySpec(tapOf(one, 'web'), dry)).metadata.generation, 1);
    t.is(await store.get('Tap', one, 'web'), undefined);
    const bad = await refusal(() => store.applySpec(tapOf(one, 'web', { port: 0 }), dry));
    t.is(bad, 'CLV_RESOURCE_INVALID spec.ports[0]');
    const stored = await store.applySpec(tapOf(one, 'web'), by);
    const shown = await store.applySpec(tapOf(one, 'web', { port: 81 }), dry);
    t.like(shown.metadata, { uid: stored.metadata.uid, generation: 2 });
    t.deepEqual(stored, await demand(store, 'Tap', one, 'web'));
  });

  test(`${suite}: a status is written at the version that was read, beside spec and generation`, async (t) => {
    const { store, namespaces } = await open(t);
    const [one] = namespaces;
    await store.applySpec(policyOf(one), by);
    const read = await demand(store, 'TrafficPolicy', one, 'proxy');
    const written = await store.patchStatus(read, { observedGeneration: 1 });
    t.like(written, { metadata: { generation: 1 }, status: { observedGeneration: 1 } });
    t.not(written.metadata.resourceVersion, read.metadata.resourceVersion);
    const stale = () => store.patchStatus(read, { observedGeneration: 9 });
    t.is(await refusal(stale), 'CLV_CONFLICT');
    t.deepEqual(await store.patchStatus(written, { observedGeneration: 1 }), written);
    const labelled = {
      ...policyOf(one),
      metadata: { ...policyOf(one).metadata, labels: { a: 'b' } },
    };
    const applied = await store.applySpec(labelled, by);
    t.deepEqual(applied.status, { observedGeneration: 1 });
    t.is(await refusal(() => store.patchStatus(written, {})), 'CLV_CONFLICT');
  });

  test(`${suite}: a status that its schema does not take is refused with its path`, async (t) => {
    const { store, namespaces } = await open(t);
    const [one] = namespaces;
    await store.applySpec(policyOf(one), by);
    const read = await demand(store, 'TrafficPolicy', one, 'proxy');
    const condition = {
      type: 'Accepted',
      status: 'True',
      reason: 'Accepted',
      observedGeneration: 1,
      lastTransitionTime: '2026-01-01T00:00:00Z',
    } as const;
    const write = (message: string) =>
      store.patchStatus(read, { conditions: [{ ...condition, message }] });
    const error = await t.throwsAsync(write('x'.repeat(32_769)), { instanceOf: CloverError });
    t.is(error.code, 'CLV_RESOURCE_INVALID');
    t.deepEqual(
      error.details.map(({ field }) => field),
      ['status.conditions[0].message'],
    );
    t.deepEqual(await demand(store, 'TrafficPolicy', one, 'proxy'), read);
    await write('x'.repeat(32_768));
  });

  test(`${suite}: times of a run come back as they were written, and must be times`, async (t) => {
    const { store, namespaces } = await open(t);
    const [one] = namespaces;
    await store.applySpec(run(one, 100), by);
    const made = await demand(store, 'ExperimentRun', one, 'try-v2-1');
    const at = '2026-11-28T02:00:00.120Z';
    const intent = { epoch: 1, variantWeight: 50, at };
    const status = { startedAt: at, judgedFrom: '2026-11-28T02:00:10.000Z', intents: [intent] };
    await store.patchStatus<'ExperimentRun'>(made, status);
    const read = await demand(store, 'ExperimentRun', one, 'try-v2-1');
    t.deepEqual(read.status, status);
    for (const none of ['yesterday', '1796000000000', '2026-11-28', '2026-02-30T02:00:00.000Z']) {
      const write = () => store.patchStatus<'ExperimentRun'>(read, { ...status, startedAt: none });
      t.is(await refusal(write), 'CLV_RESOURCE_INVALID status.startedAt', none);
    }
    t.deepEqual(await demand(store, 'ExperimentRun', one, 'try-v2-1'), read);
  });

  test(`${suite}: a status is of the object that was read, not of another one of its name`, async (t) => {
    const { store, namespaces } = await open(t);
    const [one] = namespaces;
    await store.applySpec(policyOf(one), by);
    const read = await demand(store, 'TrafficPolicy', one, 'proxy');
    await store.delete('TrafficPolicy', one, 'proxy');
    const write = () => store.patchStatus(read, { observedGeneration: 9 });
    t.is(await refusal(write), 'CLV_NOT_FOUND');
    await store.applySpec(policyOf(one), by);
    t.is(await refusal(write), 'CLV_CONFLICT');
    t.deepEqual((await demand(store, 'TrafficPolicy', one, 'proxy')).status, {});
  });

  test(`${suite}: the spec of a run is immutable, its labels are not`, async (t) => {
    const { store, namespaces } = await open(t);
    const [one] = namespaces;
    const first = await store.applySpec(run(one, 100), by);
    t.deepEqual(await store.applySpec(run(one, 100), by), first);
    const change = () => store.applySpec(run(one, 101), by);
    t.is(await refusal(change), 'CLV_RESOURCE_INVALID spec');
    const same = run(one, 100);
    const metadata = { ...same.metadata, labels: { a: 'b' } };
    const labelled = await store.applySpec({ ...same, metadata }, by);
    t.like(labelled.metadata, { generation: 1, labels: { a: 'b' } });
  });

  test(`${suite}: a bad document is refused with the paths of its fields, and stores nothing`, async (t) => {
    const { store, namespaces } = await open(t);
    const [one] = namespaces;
    const tap = tapOf(one, 'web');
    const split = [{ version: 'v9', weight: 1 }];
    const policy = { ...examples.TrafficPolicy.spec, rules: [{ split }] };
    const cases = [
      [{ ...tap, spec: { ports: [0, 70_000] } }, 'spec.ports[0] spec.ports[1]'],
      [{ ...tap, spec: { ports: 80 } }, 'spec.ports'],
      [{ ...tap, spec: { prots: [80] } }, 'spec.prots'],
      [{ ...tap, spec: null }, 'spec'],
      [{ ...tap, metadata: { ...tap.metadata, name: 'Web' } }, 'metadata.name'],
      [{ ...policyOf(one), spec: policy }, 'spec.rules[0].split[0].version'],
    ] as const;
    for (const [input, fields] of cases) {
      const found = await refusal(() => store.applySpec(input, by));
      t.is(found, `CLV_RESOURCE_INVALID ${fields}`);
    }
    t.is((await store.list('Tap', one)).items.length, 0);
    t.is((await store.list('TrafficPolicy', one)).items.length, 0);
  });
}

import { examples } from '../examples.ts';
import {
  by,
  demand,
  hold,
  policyOf,
  refusal,
  tapOf,
  type Declare,
  type OpenStore,
} from './harness.ts';

/** How objects go. */
export function deletesSuite(test: Declare, suite: string, open: OpenStore): void {
  test(`${suite}: a deleted object is gone, and another one of its name is another one`, async (t) => {
    const { store, namespaces } = await open(t);
    const [one] = namespaces;
    const first = await store.applySpec(tapOf(one, 'web'), by);
    await store.applySpec(tapOf(one, 'web', { port: 81 }), by);
    t.is((await store.delete('Tap', one, 'web')).metadata.uid, first.metadata.uid);
    t.is(await store.get('Tap', one, 'web'), undefined);
    t.is(await refusal(() => store.delete('Tap', one, 'web')), 'CLV_NOT_FOUND');
    const second = await store.applySpec(tapOf(one, 'web'), by);
    t.not(second.metadata.uid, first.metadata.uid);
    t.not(second.metadata.resourceVersion, first.metadata.resourceVersion);
    t.is(second.metadata.generation, 1);
  });

  test(`${suite}: an object stays until its last finalizer is gone`, async (t) => {
    const harness = await open(t);
    const { store, namespaces } = harness;
    const [one] = namespaces;
    await store.applySpec(policyOf(one), by);
    const held = await hold(harness, 'clover.dev/one', 'clover.dev/two');
    t.deepEqual(held.metadata.finalizers, ['clover.dev/one', 'clover.dev/two']);
    const marked = await store.delete('TrafficPolicy', one, 'proxy');
    t.regex(marked.metadata.deletionTimestamp ?? '', /^\d{4}-.*Z$/);
    // As in Kubernetes: the mark is a wish too.
    t.is(marked.metadata.generation, held.metadata.generation + 1);
    t.deepEqual(await store.delete('TrafficPolicy', one, 'proxy'), marked);
    const half = await hold(harness, 'clover.dev/two');
    t.is(half.metadata.deletionTimestamp, marked.metadata.deletionTimestamp);
    t.deepEqual(half.metadata.finalizers, ['clover.dev/two']);
    t.is((await store.list('TrafficPolicy', one)).items.length, 1);
    await hold(harness);
    t.is(await store.get('TrafficPolicy', one, 'proxy'), undefined);
    t.is(await refusal(() => store.delete('TrafficPolicy', one, 'proxy')), 'CLV_NOT_FOUND');
  });

  test(`${suite}: an object without a mark of deletion outlives its finalizers`, async (t) => {
    const harness = await open(t);
    const { store, namespaces } = harness;
    const [one] = namespaces;
    await store.applySpec(policyOf(one), by);
    await hold(harness, 'clover.dev/one');
    const kept = await store.applySpec(policyOf(one), by);
    t.deepEqual(kept.metadata.finalizers, ['clover.dev/one']);
    await hold(harness);
    const free = await demand(store, 'TrafficPolicy', one, 'proxy');
    t.is(free.metadata.finalizers, undefined);
    t.is(free.metadata.uid, kept.metadata.uid);
  });

  test(`${suite}: an object that is being deleted takes a document, and goes all the same`, async (t) => {
    const harness = await open(t);
    const { store, namespaces } = harness;
    const [one] = namespaces;
    const policy = policyOf(one);
    await store.applySpec(policy, by);
    await hold(harness, 'clover.dev/one');
    const marked = await store.delete('TrafficPolicy', one, 'proxy');
    const rules = [{ split: [{ version: 'v2', weight: 1 }] }];
    const changed = { ...policy, spec: { ...examples.TrafficPolicy.spec, rules } };
    const applied = await store.applySpec(changed, by);
    t.like(applied.metadata, {
      uid: marked.metadata.uid,
      deletionTimestamp: marked.metadata.deletionTimestamp,
      generation: marked.metadata.generation + 1,
      finalizers: ['clover.dev/one'],
    });
    const more = () => hold(harness, 'clover.dev/one', 'clover.dev/two');
    t.is(await refusal(more), 'CLV_RESOURCE_INVALID metadata.finalizers');
    await hold(harness);
    t.is(await store.get('TrafficPolicy', one, 'proxy'), undefined);
  });

  test(`${suite}: a deletion keeps to its preconditions`, async (t) => {
    const { store, namespaces } = await open(t);
    const [one] = namespaces;
    const first = await store.applySpec(tapOf(one, 'web'), by);
    const { metadata } = await store.applySpec(tapOf(one, 'web', { port: 81 }), by);
    const remove = (preconditions: object) => store.delete('Tap', one, 'web', preconditions);
    t.is(await refusal(() => remove({ uid: 'another' })), 'CLV_CONFLICT');
    const { resourceVersion } = first.metadata;
    t.is(await refusal(() => remove({ resourceVersion })), 'CLV_CONFLICT');
    t.is((await demand(store, 'Tap', one, 'web')).metadata.uid, metadata.uid);
    const now = { uid: metadata.uid, resourceVersion: metadata.resourceVersion };
    t.is((await remove(now)).metadata.name, 'web');
    t.is(await refusal(() => remove(now)), 'CLV_NOT_FOUND');
  });
}

import type { ExecutionContext } from 'ava';
import type { ResourceEvent, ResourceStore } from '../../../../functions/resources/store.ts';
import type { Kind } from '../../../../knative/resources/kinds.ts';
import {
  by,
  demand,
  follow,
  hold,
  isCreated,
  policyOf,
  refusal,
  stories,
  tapOf,
  type Declare,
  type OpenStore,
} from './harness.ts';

/** Watches of one test: they end with it. */
function watcher(t: ExecutionContext, store: ResourceStore) {
  const stop = new AbortController();
  t.teardown(() => stop.abort());
  return {
    stop,
    from: (version: string, kind: Kind) => () =>
      store.watch(kind, version, { signal: stop.signal }),
  };
}

const versionOf = async (store: ResourceStore, namespace: string): Promise<string> =>
  (await store.list('Tap', namespace)).resourceVersion;

const isDeletion = ({ type }: ResourceEvent): boolean => type === 'DELETED';

/** What a store tells of its changes. */
export function watchesSuite(test: Declare, suite: string, open: OpenStore): void {
  test(`${suite}: a watch tells every change since a list, those of an object in order`, async (t) => {
    const harness = await open(t);
    const { store, namespaces } = harness;
    const [one] = namespaces;
    await store.applySpec(tapOf(one, 'before'), by);
    const watch = watcher(t, store);
    const taps = follow(watch.from(await versionOf(store, one), 'Tap'), isCreated('last'));
    const { resourceVersion } = await store.list('TrafficPolicy', one);
    const policies = follow(watch.from(resourceVersion, 'TrafficPolicy'), isDeletion);
    await store.applySpec(tapOf(one, 'web'), by);
    await store.applySpec(policyOf(one), by);
    await store.applySpec(tapOf(one, 'web', { port: 81 }), by);
    await hold(harness, 'clover.dev/held');
    await store.delete('Tap', one, 'web');
    await store.delete('TrafficPolicy', one, 'proxy');
    await hold(harness);
    await store.delete('Tap', one, 'before');
    await store.applySpec(tapOf(one, 'web'), by);
    await store.applySpec(tapOf(one, 'last'), by);
    t.deepEqual(stories([...(await taps), ...(await policies)]), [
      'Tap before: DELETED',
      'Tap last: ADDED',
      'Tap web: ADDED MODIFIED DELETED ADDED',
      'TrafficPolicy proxy: ADDED MODIFIED DELETED',
    ]);
    const last = (await taps).findLast(({ object }) => object.metadata.name === 'web')?.object;
    t.deepEqual(last, await demand(store, 'Tap', one, 'web'));
  });

  test(`${suite}: a deletion that waits is a change, and its end is the deletion`, async (t) => {
    const harness = await open(t);
    const { store, namespaces } = harness;
    const [one] = namespaces;
    await store.applySpec(policyOf(one), by);
    const held = await hold(harness, 'clover.dev/held');
    const watch = watcher(t, store);
    const seen = follow(watch.from(held.metadata.resourceVersion, 'TrafficPolicy'), isDeletion);
    await store.delete('TrafficPolicy', one, 'proxy');
    await hold(harness);
    const events = await seen;
    t.is(events[0]?.type, 'MODIFIED');
    t.truthy(events[0]?.object.metadata.deletionTimestamp);
    t.is(events.at(-1)?.object.metadata.uid, held.metadata.uid);
  });

  test(`${suite}: a watch goes on after any event that was seen`, async (t) => {
    const { store, namespaces } = await open(t);
    const [one] = namespaces;
    const watch = watcher(t, store);
    const start = await versionOf(store, one);
    for (const port of [80, 81, 82]) await store.applySpec(tapOf(one, 'web', { port }), by);
    await store.delete('Tap', one, 'web');
    await store.applySpec(tapOf(one, 'last'), by);
    const all = await follow(watch.from(start, 'Tap'), isCreated('last'));
    t.is(all.length, 5);
    for (const [index, { object }] of all.slice(0, -1).entries()) {
      const rest = await follow(
        watch.from(object.metadata.resourceVersion, 'Tap'),
        isCreated('last'),
      );
      t.deepEqual(rest, all.slice(index + 1));
    }
  });

  test(`${suite}: a watch of one kind tells of no other`, async (t) => {
    const { store, namespaces } = await open(t);
    const [one] = namespaces;
    const watch = watcher(t, store);
    const start = await versionOf(store, one);
    await store.applySpec(policyOf(one), by);
    await store.applySpec(tapOf(one, 'last'), by);
    const seen = await follow(watch.from(start, 'Tap'), isCreated('last'));
    t.deepEqual(stories(seen), ['Tap last: ADDED']);
  });

  test(`${suite}: an abort ends a watch that waits, and one that has not begun`, async (t) => {
    const { store, namespaces } = await open(t);
    const [one] = namespaces;
    const watch = watcher(t, store);
    const start = await versionOf(store, one);
    await store.applySpec(tapOf(one, 'first'), by);
    const reached = Promise.withResolvers<void>();
    const seen = follow(watch.from(start, 'Tap'), () => {
      reached.resolve();
      return false;
    });
    await reached.promise;
    watch.stop.abort();
    t.deepEqual(stories(await seen), ['Tap first: ADDED']);
    t.deepEqual(await follow(watch.from(start, 'Tap'), () => true), []);
  });

  test(`${suite}: a watch from a version that is too old is told to list again, and can`, async (t) => {
    const harness = await open(t);
    const { store, namespaces } = harness;
    const [one] = namespaces;
    const watch = watcher(t, store);
    const old = await versionOf(store, one);
    await store.applySpec(tapOf(one, 'web'), by);
    await harness.forceGone();
    const late = () => follow(watch.from(old, 'Tap'), () => true);
    t.is(await refusal(late), 'CLV_RESOURCE_GONE');
    const { items, resourceVersion } = await store.list('Tap', one);
    t.is(items.length, 1);
    await store.applySpec(tapOf(one, 'last'), by);
    const seen = await follow(watch.from(resourceVersion, 'Tap'), isCreated('last'));
    t.deepEqual(stories(seen), ['Tap last: ADDED']);
  });

  test(`${suite}: a watch from what is no version is refused`, async (t) => {
    const { store } = await open(t);
    const watch = watcher(t, store);
    for (const version of ['now', '', '-1', '1.5']) {
      t.regex(
        await refusal(() => follow(watch.from(version, 'Tap'), () => true)),
        /^CLV_ARGUMENT_INVALID resourceVersion$/,
        version,
      );
    }
  });

  test(`${suite}: a watch whose connection breaks leaves nothing out and repeats nothing`, async (t) => {
    const harness = await open(t);
    const { store, namespaces } = harness;
    const [one] = namespaces;
    const watch = watcher(t, store);
    const start = await versionOf(store, one);
    const seen = follow(watch.from(start, 'Tap'), isCreated('last'));
    for (const name of ['a', 'b', 'c']) {
      await store.applySpec(tapOf(one, name), by);
      await harness.cutWatches();
      await store.applySpec(tapOf(one, name, { port: 81 }), by);
    }
    await store.applySpec(tapOf(one, 'last'), by);
    const events = await seen;
    t.deepEqual(stories(events), [
      'Tap a: ADDED MODIFIED',
      'Tap b: ADDED MODIFIED',
      'Tap c: ADDED MODIFIED',
      'Tap last: ADDED',
    ]);
    const versions = events.map(({ object }) => object.metadata.resourceVersion);
    t.is(new Set(versions).size, versions.length);
  });
}

import test, { type ExecutionContext } from 'ava';
import { z } from 'zod';
import { createLiveFeed } from '../../../functions/api/live-feed.ts';
import { liveView, type LiveView } from '../../../functions/api/schemas/live.ts';
import { systemClock } from '../../../functions/lib/clock.ts';
import { createLocalStore } from '../../../functions/resources/local-store.ts';
import type { ResourceStore } from '../../../functions/resources/store.ts';
import { examples } from '../resources/examples.ts';

interface Counted {
  readonly store: ResourceStore;
  readonly counts: { lists: number; watches: number };
  /** Ends every watch, as a server that has forgotten its place. */
  readonly cut: () => void;
  /** How many watches are open. */
  readonly open: () => number;
}

/** A store that counts what it is asked. */
function countedStore(t: ExecutionContext): Counted {
  const inner = createLocalStore({ path: ':memory:', clock: systemClock });
  t.teardown(() => inner.close());
  const counts = { lists: 0, watches: 0 };
  const cuts = new Set<AbortController>();
  const store: ResourceStore = {
    ...inner,
    list: (kind, namespace, options) => {
      counts.lists += 1;
      return inner.list(kind, namespace, options);
    },
    async *watch(kind, from, { signal }) {
      counts.watches += 1;
      const cut = new AbortController();
      cuts.add(cut);
      yield* inner.watch(kind, from, { signal: AbortSignal.any([signal, cut.signal]) });
      cuts.delete(cut);
    },
  };
  return {
    store,
    counts,
    cut: () => cuts.forEach((each) => each.abort()),
    open: () => cuts.size,
  };
}

const feedOf = (resources: ResourceStore) =>
  createLiveFeed({
    resources,
    analytics: { red: async () => [] },
    status: async () => ({ broker: {} }),
    clock: systemClock,
    periodMs: 5,
  });

const frame = z.string().transform((text) => {
  const line = text.split('\n').find((each) => each.startsWith('data:')) ?? '';
  return liveView.parse(JSON.parse(line.slice('data:'.length)));
});

/** Looks until a view is as it is waited for. */
async function lookUntil(
  feed: ReturnType<typeof feedOf>,
  isSo: (view: LiveView, views: number) => boolean,
): Promise<LiveView> {
  const looking = new AbortController();
  let views = 0;
  for await (const { text } of feed.follow(looking.signal)) {
    const view = frame.parse(text);
    if (isSo(view, (views += 1))) return view;
  }
  throw new Error('the feed ended');
}

const apply = ({ store }: Counted, name: string): Promise<unknown> => {
  const metadata = { namespace: 'shop', name };
  const { spec } = examples.Experiment;
  return store.applySpec({ kind: 'Experiment', metadata, spec }, { manager: 'test' });
};

const namesIn = ({ experiments }: LiveView): readonly string[] =>
  experiments.map(({ name }) => name);

test('views follow what changes, and each kind is listed once while somebody looks', async (t) => {
  const counted = countedStore(t);
  const { store, counts, open } = counted;
  await apply(counted, 'b');
  const feed = feedOf(store);
  let asked: Promise<unknown> | undefined;
  const grown = await lookUntil(feed, (view, views) => {
    if (views === 10) asked = apply(counted, 'a');
    return namesIn(view).length === 2;
  });
  await asked;
  t.deepEqual(namesIn(grown), ['a', 'b']);
  t.deepEqual(counts, { lists: 2, watches: 2 });
  while (open() > 0) await systemClock.sleep(1);

  // Whoever looks next sees what there is by then.
  await store.delete('Experiment', 'shop', 'b');
  const later = await lookUntil(feed, () => true);
  t.deepEqual(namesIn(later), ['a']);
  t.deepEqual(counts, { lists: 4, watches: 4 });
});

test('what a watch that broke has not told is listed', async (t) => {
  const counted = countedStore(t);
  const { store, counts, cut } = counted;
  let asked: Promise<unknown> | undefined;
  const view = await lookUntil(feedOf(store), (shown, views) => {
    if (views === 3) {
      cut();
      asked = apply(counted, 'unseen');
    }
    return namesIn(shown).length === 1;
  });
  await asked;
  t.deepEqual(namesIn(view), ['unseen']);
  t.deepEqual(counts, { lists: 4, watches: 4 });
});

test('a list that fails is asked for again', async (t) => {
  const { store } = countedStore(t);
  let failures = 0;
  const feed = feedOf({
    ...store,
    list: (kind, namespace, options) => {
      if ((failures += 1) <= 3) return Promise.reject(new Error('away'));
      return store.list(kind, namespace, options);
    },
  });
  t.deepEqual(namesIn(await lookUntil(feed, () => true)), []);
});

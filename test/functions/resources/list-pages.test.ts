import test, { type ExecutionContext } from 'ava';
import { systemClock } from '../../../functions/lib/clock.ts';
import { createLocalStore } from '../../../functions/resources/local-store.ts';
import type { ApplyInput, ResourceStore } from '../../../functions/resources/store.ts';

const tap = (name: string, namespace: string, team: string): ApplyInput => ({
  kind: 'Tap',
  metadata: { name, namespace, labels: { team } },
  spec: {},
});
const by = { manager: 'test' };
const named = (items: readonly { readonly metadata: { readonly name: string } }[]): string[] =>
  items.map(({ metadata }) => metadata.name);

/** Five taps: a to c in one namespace, d and e in another; b and d are of team y. */
async function storeOf(t: ExecutionContext, keepChanges = 100): Promise<ResourceStore> {
  const store = createLocalStore({ path: ':memory:', clock: systemClock, keepChanges });
  t.teardown(() => store.close());
  for (const [name, namespace, team] of [
    ['e', 'two', 'x'],
    ['a', 'one', 'x'],
    ['c', 'one', 'x'],
    ['b', 'one', 'y'],
    ['d', 'two', 'y'],
  ] as const) {
    await store.applySpec(tap(name, namespace, team), by);
  }
  return store;
}

test('pages follow one another in order, and count what is behind them', async (t) => {
  const store = await storeOf(t);
  const first = await store.list('Tap', undefined, { limit: 2 });
  t.deepEqual([named(first.items), first.remainingItemCount], [['a', 'b'], 3]);
  await store.applySpec(tap('bb', 'one', 'x'), by);
  const second = await store.list('Tap', undefined, { limit: 2, continue: first.continue ?? '' });
  t.deepEqual([named(second.items), second.remainingItemCount], [['bb', 'c'], 2]);
  t.is(second.resourceVersion, first.resourceVersion);
  const third = await store.list('Tap', undefined, { limit: 2, continue: second.continue ?? '' });
  t.deepEqual(named(third.items), ['d', 'e']);
  t.is(third.continue, undefined);
  t.is(third.remainingItemCount, undefined);
});

test('a continue that is too old, of another list, or none is refused', async (t) => {
  const store = await storeOf(t, 2);
  const next = (await store.list('Tap', 'one', { limit: 1 })).continue ?? '';
  const list = (token: string, namespace = 'one') =>
    store.list('Tap', namespace, { limit: 1, continue: token });
  t.deepEqual(named((await list(next)).items), ['b']);
  for (const token of ['', 'x', next.slice(2), Buffer.from('{}').toString('base64url')]) {
    await t.throwsAsync(list(token), { code: 'CLV_ARGUMENT_INVALID' });
  }
  await t.throwsAsync(list(next, 'two'), { code: 'CLV_ARGUMENT_INVALID', message: /another list/ });
  for (const team of ['p', 'q', 'r']) await store.applySpec(tap('a', 'one', team), by);
  await t.throwsAsync(list(next), { code: 'CLV_RESOURCE_GONE' });
});

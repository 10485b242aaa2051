import test from 'ava';
import { createTail, type Tailed } from '../../../../functions/host/broker/tail.ts';
import { eventOf } from '../helpers.ts';

const attributes = (): ReadonlyMap<string, string> => new Map();

/** The ids that a reader gets, each with how many it missed before. */
async function* shown(
  tailed: AsyncIterable<Tailed, unknown, unknown>,
): AsyncGenerator<string, undefined, void> {
  for await (const { event, missed } of tailed) yield `${event.id} missed ${missed}`;
}

test('a reader that is behind misses the newest events, and is told how many', async (t) => {
  const tail = createTail(2);
  const stop = new AbortController();
  const reader = shown(tail.read(stop.signal));
  const push = (...ids: readonly string[]): void => {
    for (const id of ids) tail.push(eventOf({ id }), attributes);
  };
  const first = reader.next();
  push('1');
  t.is((await first).value, '1 missed 0');
  push('2', '3', '4', '5', '6');
  t.is((await reader.next()).value, '2 missed 0');
  push('7', '8');
  t.is((await reader.next()).value, '3 missed 0');
  t.is((await reader.next()).value, '7 missed 3');
  push('9');
  t.is((await reader.next()).value, '9 missed 1');
  stop.abort();
  t.true((await reader.next()).done);
});

test('a slow reader holds up no other one', async (t) => {
  const tail = createTail(1);
  const { signal } = new AbortController();
  const slow = tail.read(signal);
  const fast = shown(tail.read(signal));
  for (const id of ['1', '2', '3']) {
    const next = fast.next();
    tail.push(eventOf({ id }), attributes);
    t.is((await next).value, `${id} missed 0`);
  }
  t.is((await shown(slow).next()).value, '1 missed 0');
  tail.close();
  t.true((await fast.next()).done);
});

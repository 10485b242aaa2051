import test from 'ava';
import { entryOf, eventOf, handlersOf, until } from '../helpers.ts';
import { served } from '../serving.ts';
import { entryFor } from './open-broker.ts';

test('what a handler answers after its timeout settles nothing: its effect stands, its reply does not, and the event has come again', async (t) => {
  const gate = Promise.withResolvers<void>();
  const effects: string[] = [];
  let begun = 0;
  const late = {
    name: 'f',
    handlers: handlersOf(['a', 'b'], async (event, { signal }) => {
      if (event.type === 'b') {
        effects.push('reply handled');
        return undefined;
      }
      begun += 1;
      const attempt = begun;
      if (attempt === 1) await gate.promise;
      effects.push(`attempt ${attempt}, aborted ${signal.aborted}`);
      return attempt === 1 ? eventOf({ id: 'r', type: 'b' }) : undefined;
    }),
  };
  const entry = entryOf('f', {
    triggers: [
      ...entryFor(['a'], { timeout: 'PT0.1S', retry: 1 }).triggers,
      ...entryFor(['b']).triggers,
    ],
  });
  const { admin, brokerCounters } = await served(t, [late], [entry]);
  await admin.publish(eventOf({ type: 'a' }));
  await until(async () => (await brokerCounters()).depth === 0);
  t.deepEqual(effects, ['attempt 2, aborted false']);
  gate.resolve();
  await until(() => effects.length === 2);
  t.deepEqual(effects, ['attempt 2, aborted false', 'attempt 1, aborted true']);
  await admin.publish(eventOf({ type: 'a', id: 'next' }));
  await until(async () => (await brokerCounters()).depth === 0);
  t.is(effects.length, 3, 'the late reply went nowhere');
  t.like(await brokerCounters(), { delivered: 2, retried: 1, replied: 0, dead: 0 });
});

test('a handler that returns no event is a failed attempt with 502', async (t) => {
  const bad = {
    name: 'f',
    handlers: handlersOf(['a'], async () => eventOf({ id: '', type: 'b' })),
  };
  const { admin, brokerCounters } = await served(t, [bad], [entryFor(['a'], { retry: 1 })]);
  await admin.publish(eventOf({ type: 'a' }));
  await until(async () => (await brokerCounters()).depth === 0);
  const [letter] = await admin.deadLetters({ limit: 1 });
  t.is(letter?.attempts, 2);
  t.is(letter?.event.extensions['knativeerrorcode'], '502');
});

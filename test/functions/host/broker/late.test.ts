import test from 'ava';
import { CloverError } from '../../../../functions/lib/errors.ts';
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

test('what a handler emits or replies is as small as what is posted', async (t) => {
  const most = 256 * 1024;
  const refusals: unknown[] = [];
  const big = {
    name: 'f',
    handlers: [
      ...handlersOf(['emits'], async (_event, { emit }) => {
        await emit(eventOf({ type: 'taken', data: Buffer.alloc(most) }));
        const event = eventOf({ type: 'taken', data: Buffer.alloc(most + 1) });
        await emit(event).catch((error: unknown) => refusals.push(error));
      }),
      ...handlersOf(['replies'], async () =>
        eventOf({ type: 'taken', data: Buffer.alloc(most + 1) }),
      ),
      ...handlersOf(['taken'], async () => undefined),
    ],
  };
  const entry = entryFor(['emits', 'replies', 'taken'], { retry: 1 });
  const { admin, brokerCounters } = await served(t, [big], [entry]);
  await admin.publish(eventOf({ type: 'emits' }));
  await admin.publish(eventOf({ type: 'replies' }));
  await until(async () => (await brokerCounters()).depth === 0);
  t.deepEqual(
    refusals.map((error) => error instanceof CloverError && error.code),
    ['CLV_EMIT_REFUSED'],
  );
  const [letter, ...others] = await admin.deadLetters({ limit: 10 });
  t.is(others.length, 0);
  t.is(letter?.trigger, 'on-replies');
  t.is(letter?.attempts, 2);
  t.is(letter?.event.extensions['knativeerrorcode'], '502');
  t.is((await brokerCounters()).delivered, 2, 'what emits, and the one that was taken');
});

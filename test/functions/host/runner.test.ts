import test from 'ava';
import { createAdmission } from '../../../functions/host/admission.ts';
import { createRunner } from '../../../functions/host/runner.ts';
import type { TriggerFilter } from '../../../knative/filters.ts';
import type { CloudEvent } from '../../../functions/lib/cloud-event.ts';
import { entryOf, eventOf, handlersOf, noEmit, silent, triggerOf, until } from './helpers.ts';

const runnerWith = (filters: readonly TriggerFilter[], handler: () => Promise<void>) =>
  createRunner({
    functions: [{ name: 'f', handlers: handlersOf(['a', 'b', 'rich.one'], handler) }],
    catalogue: [
      entryOf('f', { triggers: [triggerOf('plain', 'a'), { ...triggerOf('rich', 'b'), filters }] }),
    ],
    log: silent,
    emit: noEmit,
    admission: createAdmission,
  });

test("an event by direct POST is taken when its type is named or a trigger's filters take it", async (t) => {
  let taken = 0;
  const runner = runnerWith([{ cesql: `type LIKE 'rich.%' AND kind = 'Tap'` }], async () => {
    taken += 1;
  });
  const post = (event: CloudEvent) =>
    runner.post('f', { read: async () => event, log: () => silent });
  await post(eventOf({ type: 'a' }));
  await post(eventOf({ type: 'rich.one', extensions: { kind: 'Tap' } }));
  t.is(taken, 2);
  const error = { code: 'CLV_EVENT_INVALID' };
  await t.throwsAsync(post(eventOf({ type: 'rich.one' })), error);
  await t.throwsAsync(post(eventOf({ type: 'b' })), error, 'its filter does not count');
  t.is(taken, 2);
  t.is(runner.rejected('f'), 2, 'what was turned away is counted');
});

test('a runner is not made of a bad filter', (t) => {
  t.throws(() => runnerWith([{ cesql: '(' }], async () => undefined), {
    code: 'CLV_FILTER_INVALID',
    message: /f\.triggers\[1\]\.filters\[0\]\.cesql/,
  });
});

test('a handler is counted while no request waits for it: a delivery, or after its caller has gone', async (t) => {
  const gates = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  let begun = 0;
  const runner = runnerWith([], async () => {
    begun += 1;
    await gates[begun - 1]?.promise;
  });
  const exchange = { isClosed: false };
  const direct = runner.post('f', {
    read: async () => eventOf({ type: 'a' }),
    log: () => silent,
    exchange,
  });
  await until(() => begun === 1);
  t.is(runner.unawaited(), 0, 'it is counted as a request');
  const event = eventOf({ type: 'a' });
  const delivery = { function: 'f', event, route: 'plain', attempt: 1, timeoutMs: 30_000 };
  const delivered = runner.deliver(delivery);
  await until(() => begun === 2);
  t.is(runner.unawaited(), 1);
  exchange.isClosed = true;
  t.is(runner.unawaited(), 2);
  for (const gate of gates) gate.resolve();
  await Promise.all([direct, delivered]);
  t.is(runner.unawaited(), 0);
});

test('once it was aborted it refuses every event before it is read: by POST, of a batch and by delivery', async (t) => {
  let begun = 0;
  const runner = runnerWith([], async () => {
    begun += 1;
    await new Promise<void>(() => undefined);
  });
  let read = 0;
  const post = () =>
    runner.post('f', {
      read: async () => {
        read += 1;
        return eventOf({ type: 'a' });
      },
      log: () => silent,
    });
  const event = eventOf({ type: 'a' });
  const deliver = () =>
    runner.deliver({ function: 'f', event, route: 'plain', attempt: 1, timeoutMs: 30_000 });
  const posted = t.throwsAsync(post(), { code: 'CLV_OVERLOADED', message: 'the host stops' });
  const delivered = deliver();
  await until(() => begun === 2);
  runner.abort();
  await posted;
  t.like(await delivered, { status: 503 });
  await t.throwsAsync(post(), { code: 'CLV_OVERLOADED', message: 'the host stops' });
  t.like(await deliver(), { status: 503, message: 'the host stops' });
  t.is(read, 1);
  t.is(begun, 2);
});

test('whatever becomes of an event, its memory is given back once', async (t) => {
  const gate = Promise.withResolvers<void>();
  let begun = 0;
  const runner = runnerWith([], async () => {
    begun += 1;
    await gate.promise;
  });
  let ended = 0;
  const post = (name: string, type: string) =>
    runner.post(name, {
      read: async () => eventOf({ type }),
      log: () => silent,
      onEnd: () => {
        ended += 1;
      },
    });
  await t.throwsAsync(post('none', 'a'), { code: 'CLV_NOT_FOUND' });
  t.is(ended, 1);
  await t.throwsAsync(post('f', 'none'), { code: 'CLV_EVENT_INVALID' });
  t.is(ended, 2);
  const held = Array.from({ length: 32 }, () => post('f', 'a'));
  await until(() => begun === 32);
  await t.throwsAsync(post('f', 'a'), { code: 'CLV_TOO_MANY_REQUESTS' });
  t.is(ended, 3);
  gate.resolve();
  await Promise.all(held);
  t.is(ended, 35);
});

import test from 'ava';
import { createAdmission } from '../../../functions/host/admission.ts';
import { createRunner } from '../../../functions/host/runner.ts';
import type { TriggerFilter } from '../../../knative/filters.ts';
import type { CloudEvent } from '../../../functions/lib/cloud-event.ts';
import { entryOf, eventOf, handlersOf, noEmit, silent, triggerOf } from './helpers.ts';

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

import test, { type ExecutionContext } from 'ava';
import type { ApiClient } from '../../../functions/api/client.ts';
import { onBytes } from '../../../functions/host/event-handler.ts';
import { systemClock } from '../../../functions/lib/clock.ts';
import { CloverError } from '../../../functions/lib/errors.ts';
import { entryOf, triggerOf, until } from '../host/helpers.ts';
import { hostedBeside } from './hosted.ts';

interface Machine {
  readonly client: ApiClient;
  /** Events that the function has done. */
  readonly taken: readonly string[];
  /** Lets the function work. */
  readonly heal: () => void;
}

/** The API beside a function that refuses every event until it is healed, on a real broker. */
async function start(t: ExecutionContext): Promise<Machine> {
  const taken: string[] = [];
  let healthy = false;
  const work = async ({ id }: { readonly id: string }): Promise<void> => {
    if (!healthy) throw new CloverError('CLV_EVENT_INVALID', 'not today');
    taken.push(id);
  };
  const sick = { name: 'sick', handlers: [onBytes('test.event', work)] };
  const entry = entryOf('sick', { triggers: [triggerOf('sick-test', 'test.event')] });
  const { client } = await hostedBeside(t, sick, entry);
  return {
    client,
    taken,
    heal: () => {
      healthy = true;
    },
  };
}

const event = (id: string, data: unknown = { id }) => ({
  specversion: '1.0' as const,
  id,
  source: '/test',
  type: 'test.event',
  datacontenttype: 'application/json',
  data,
});

test('an event that was refused is shown, replayed once it can be done, or dropped', async (t) => {
  const { client, taken, heal } = await start(t);
  for (const id of ['a', 'b', 'c']) await client.publish(event(id));
  await until(async () => (await client.deadLetters()).items.length === 3);
  const { items, next } = await client.deadLetters({ limit: 2, trigger: 'sick-test' });
  t.is(items.length, 2);
  t.is(next, items[1]?.id);
  const newest = items[0];
  t.like(newest, { trigger: 'sick-test', attempts: 1, event: { type: 'test.event' } });
  t.is(newest?.event['knativeerrorcode'], '400');
  t.deepEqual(await client.deadLetter(newest?.id ?? 0), newest);
  heal();
  await client.replayDeadLetter(newest?.id ?? 0);
  await until(() => taken.length === 1);
  t.is(taken[0], newest?.event.id);
  await client.dropDeadLetter(items[1]?.id ?? 0);
  t.is((await client.deadLetters()).items.length, 1);
  await t.throwsAsync(client.replayDeadLetter(newest?.id ?? 0), { code: 'CLV_NOT_FOUND' });
  t.is((await client.status())['broker']?.['dead'], 1);
});

test('the tail shows what is published, from then on', async (t) => {
  const { client, heal } = await start(t);
  heal();
  const stop = new AbortController();
  const publishing = (async () => {
    for (let n = 0; !stop.signal.aborted; n += 1) {
      await client.publish(event(`e${n}`, { n }));
      await systemClock.sleep(10);
    }
  })();
  for await (const { event: seen, missed } of client.tailEvents({ signal: stop.signal })) {
    t.like(seen, { type: 'test.event', source: '/test' });
    t.is(missed, 0);
    t.deepEqual(seen.data, { n: Number(seen.id.slice(1)) });
    stop.abort();
  }
  await publishing;
});

test('the tail shows only what passes every filter, and says what is wrong with one', async (t) => {
  const { client, heal } = await start(t);
  heal();
  const stop = new AbortController();
  const publishing = (async () => {
    for (let n = 0; !stop.signal.aborted; n += 1) {
      await client.publish({ ...event(`e${n}`), subject: n % 3 === 0 ? 'even' : 'odd', n: n % 7 });
      await systemClock.sleep(2);
    }
  })();
  const filters = [{ exact: { subject: 'even' } }, { cesql: 'n > 3' }];
  let seen = 0;
  for await (const tailed of client.tailEvents({ signal: stop.signal, filters })) {
    t.is(tailed.event.subject, 'even');
    t.true(Number(tailed.event['n']) > 3);
    t.is(tailed.missed, 0, 'what is filtered out is not missed');
    seen += 1;
    if (seen === 3) stop.abort();
  }
  await publishing;
  const { signal } = new AbortController();
  const bad = [{ cesql: 'n >' }];
  const read = async (): Promise<void> => {
    for await (const { event: none } of client.tailEvents({ signal, filters: bad }))
      t.fail(none.id);
  };
  const error = await t.throwsAsync(read, { code: 'CLV_FILTER_INVALID' });
  t.regex(error?.message ?? '', /^filters\[0\]\.cesql: CESQL: at character 4: found the end/);
});

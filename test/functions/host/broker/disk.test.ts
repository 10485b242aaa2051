import { join } from 'node:path';
import test from 'ava';
import { CloverError } from '../../../../functions/lib/errors.ts';
import { eventOf, temporaryFolder, until } from '../helpers.ts';
import { entryFor, isEmpty, openBroker } from './open-broker.ts';

const full = { fileBytes: 400 * 1024 };
const large = Buffer.alloc(10_000);

test('a full disk is 503 with Retry-After, and what was accepted is delivered, through a restart too', async (t) => {
  const path = join(await temporaryFolder(t), 'broker.db');
  const first = await openBroker(t, [entryFor(['a'])], { path, limits: full });
  const accepted: string[] = [];
  const fill = async (): Promise<void> => {
    for (let count = 0; ; count += 1) {
      await first.publish(eventOf({ type: 'a', id: String(count), data: large }));
      accepted.push(String(count));
    }
  };
  const refused = await t.throwsAsync(fill(), { instanceOf: CloverError, code: 'CLV_OVERLOADED' });
  t.true((refused.retryAfter ?? 0) > 0);
  t.regex(refused.message, /full/);
  t.true(accepted.length > 10);
  t.is((await first.counters()).depth, accepted.length, 'reading goes on');
  t.deepEqual((await first.counters()).refusals, { full: 0, share: 0, disk: 1 });
  await first.close();

  const second = await openBroker(t, [entryFor(['a'])], { path, limits: full });
  const seen: string[] = [];
  await second.start(async ({ event }) => {
    seen.push(event.id);
    return { status: 200, message: '' };
  });
  await until(() => isEmpty(second));
  t.deepEqual(seen.toSorted(), accepted.toSorted());
  await t.notThrowsAsync(
    second.publish(eventOf({ type: 'a', data: large })),
    'what was delivered has made room',
  );
});

test('outcomes are stored on a full disk, however many publishers knock meanwhile', async (t) => {
  const broker = await openBroker(t, [entryFor(['a', 'b'], { retry: 0 })], { limits: full });
  let accepted = 0;
  const publish = async (type: string): Promise<boolean> => {
    try {
      await broker.publish(eventOf({ type, data: large }));
      accepted += 1;
      return true;
    } catch {
      return false;
    }
  };
  while (await publish(accepted % 2 === 0 ? 'a' : 'b'));
  t.true(accepted > 10);
  const over = new AbortController();
  const knocking = Array.from({ length: 4 }, async () => {
    while (!over.signal.aborted) await publish('a');
  });
  // Half of the events become dead letters: that needs room as well.
  let delivered = 0;
  await broker.start(async ({ event }) => {
    delivered += 1;
    return { status: event.type === 'a' ? 200 : 422, message: '' };
  });
  await until(() => delivered > 200);
  over.abort();
  await Promise.all(knocking);
  await until(() => isEmpty(broker));
  const { delivered: done, dead, drops } = await broker.counters();
  t.is(done + dead + drops.evicted, accepted, 'each one is done or a dead letter');
});

import type { ExecutionContext } from 'ava';
import type { DeadLetterAdmin } from '../../../functions/dead-letters/dead-letter-admin.ts';
import type { CloudEvent } from '../../../functions/lib/cloud-event.ts';
import { eventOf } from '../host/helpers.ts';

/** Dead letters, and the function that they were for. */
export interface Subject {
  readonly admin: DeadLetterAdmin;
  /** Has the function refuse the event with 400, so that it becomes a dead letter of the trigger `on-<type>`; one after the other. */
  readonly bury: (event: CloudEvent) => Promise<void>;
  /** What the function took, once it has taken so many. */
  readonly taken: (count: number) => Promise<readonly CloudEvent[]>;
  /** The function takes events from now on. */
  readonly heal: () => void;
}

/** What dead letters of every broker do. The types are `a` and `b`. */
export const suite: Readonly<
  Record<string, (t: ExecutionContext, subject: Subject) => Promise<void>>
> = {
  async 'dead letters are listed newest first, page by page and by trigger'(t, { admin, bury }) {
    for (const [type, id] of [
      ['a', '1'],
      ['a', '2'],
      ['b', '3'],
      ['a', '4'],
    ] as const) {
      await bury(eventOf({ type, id }));
    }
    const ids = async (query: Parameters<DeadLetterAdmin['deadLetters']>[0]): Promise<string[]> =>
      (await admin.deadLetters(query)).map(({ event }) => event.id);
    t.deepEqual(await ids({ limit: 2 }), ['4', '3']);
    const [, second] = await admin.deadLetters({ limit: 2 });
    t.deepEqual(await ids({ limit: 2, before: second?.id ?? 0 }), ['2', '1']);
    t.deepEqual(await ids({ limit: 2, trigger: 'on-a' }), ['4', '2']);
    t.deepEqual(await ids({ limit: 10, trigger: 'nobody' }), []);
  },

  async 'a dead letter has its event, byte for byte, and why it is one'(t, { admin, bury }) {
    const data = Buffer.from([0, 255, 0xc3, 0x28]);
    const event = eventOf({ type: 'a', id: 'ä"', data, extensions: { color: 'red' } });
    await bury(event);
    const [letter] = await admin.deadLetters({ limit: 1 });
    t.deepEqual(await admin.deadLetter(letter?.id ?? 0), letter);
    t.true(Math.abs((letter?.at ?? 0) - Date.now()) < 3_600_000);
    t.is(letter?.trigger, 'on-a');
    const { extensions = {}, ...rest } = letter?.event ?? {};
    const { knativeerrordest, knativeerrordata = '', ...others } = extensions;
    t.deepEqual({ ...rest, extensions: {} }, { ...event, extensions: {} });
    t.deepEqual(others, { color: 'red', knativeerrorcode: '400' });
    t.is(Buffer.from(knativeerrordata, 'base64').toString(), 'why');
    t.truthy(knativeerrordest);
    t.is(await admin.deadLetter(999), undefined);
  },

  async 'a replayed dead letter comes to its function as it was, and is none any more'(
    t,
    { admin, bury, heal, taken },
  ) {
    const event = eventOf({ type: 'a', id: '1', data: Buffer.from('{}'), extensions: { b: 'c' } });
    await bury(event);
    const [{ id } = { id: 0 }] = await admin.deadLetters({ limit: 1 });
    heal();
    t.true(await admin.replayDeadLetter(id));
    t.deepEqual(await taken(1), [event]);
    t.deepEqual(await admin.deadLetters({ limit: 1 }), []);
    t.false(await admin.replayDeadLetter(id));
  },

  async 'a dropped dead letter is gone for good, and no other'(t, { admin, bury }) {
    for (const id of ['1', '2']) await bury(eventOf({ type: 'a', id }));
    const [newest] = await admin.deadLetters({ limit: 1 });
    t.true(await admin.dropDeadLetter(newest?.id ?? 0));
    t.false(await admin.dropDeadLetter(newest?.id ?? 0));
    t.is(await admin.deadLetter(newest?.id ?? 0), undefined);
    const left = await admin.deadLetters({ limit: 10 });
    t.deepEqual(
      left.map(({ event }) => event.id),
      ['1'],
    );
  },

  async 'an event that was dropped may become a dead letter again'(t, { admin, bury }) {
    for (const _ of ['first', 'again']) {
      await bury(eventOf({ type: 'a', id: '1' }));
      const letters = await admin.deadLetters({ limit: 10 });
      t.is(letters.length, 1);
      t.true(await admin.dropDeadLetter(letters[0]?.id ?? 0));
    }
  },
};

import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import type { DeadLetter } from '../../../functions/dead-letters/dead-letter-admin.ts';
import { createReplay } from '../../../functions/dead-letters/replay.ts';
import { entryFor } from '../host/broker/open-broker.ts';
import { eventOf, temporaryFolder } from '../host/helpers.ts';
import { failed, serveFunction } from './knative.ts';

/** One letter, number 7, and the function of the trigger `on-a`. */
async function start(t: ExecutionContext, trigger: string, tokenFile?: string) {
  const event = failed(eventOf(), 400, 'why');
  const { knativebrokerttl: _, ...extensions } = event.extensions;
  const letter: DeadLetter = { id: 7, trigger, at: 1, event: { ...event, extensions } };
  const dropped: number[] = [];
  const says = { status: 204 };
  const { url, taken, authorizations } = await serveFunction(t, says);
  const asked: string[] = [];
  const admin = createReplay({
    store: {
      deadLetters: async () => [letter],
      deadLetter: async (id) => (id === letter.id ? letter : undefined),
      dropDeadLetter: async (id) => dropped.push(id) > 0,
    },
    catalogue: [entryFor(['a'])],
    sinkOf: (name) => {
      asked.push(name);
      return { url, ...(tokenFile !== undefined && { tokenFile }) };
    },
  });
  return { admin, dropped, says, taken, asked, authorizations };
}

test('a letter that its function does not take stays one, and it is said what the function answered', async (t) => {
  const { admin, dropped, says } = await start(t, 'on-a');
  for (const [status, code] of [
    [400, 'CLV_EMIT_REFUSED'],
    [503, 'CLV_OVERLOADED'],
  ] as const) {
    says.status = status;
    const error = await t.throwsAsync(admin.replayDeadLetter(7), { code });
    t.regex(error?.message ?? '', new RegExp(`answered ${status}`));
  }
  t.deepEqual(dropped, []);
});

test('a letter goes to the function of its trigger, wherever its sender says that it was going', async (t) => {
  const { admin, dropped, taken, asked } = await start(t, 'on-a');
  t.true(await admin.replayDeadLetter(7));
  t.deepEqual(asked, ['f']);
  t.deepEqual(taken, [eventOf()]);
  t.deepEqual(dropped, [7]);
});

test('a letter of a webhook goes to its function, in the process of notify', async (t) => {
  const { admin, dropped, taken, asked } = await start(t, 'webhook-0a1b2c3d');
  t.true(await admin.replayDeadLetter(7));
  t.deepEqual(asked, ['notify']);
  t.deepEqual(taken, [eventOf()]);
  t.deepEqual(dropped, [7]);
});

test('a letter of a trigger that the catalogue does not have goes nowhere', async (t) => {
  const { admin, dropped, asked } = await start(t, 'clover');
  await t.throwsAsync(admin.replayDeadLetter(7), { code: 'CLV_CONFLICT' });
  t.deepEqual([asked, dropped], [[], []]);
});

test('a function that asks who sends is shown the token of the file', async (t) => {
  const file = join(await temporaryFolder(t), 'f');
  await writeFile(file, 'for-f\n');
  const { admin, authorizations } = await start(t, 'on-a', file);
  t.true(await admin.replayDeadLetter(7));
  t.deepEqual(authorizations, ['Bearer for-f']);
});

test('without its token a letter stays one', async (t) => {
  const file = join(await temporaryFolder(t), 'missing');
  const { admin, dropped, taken } = await start(t, 'on-a', file);
  await t.throwsAsync(admin.replayDeadLetter(7), {
    code: 'CLV_CONFIG_INVALID',
    message: /missing/,
  });
  t.deepEqual([dropped, taken], [[], []]);
});

import test from 'ava';
import { createRunner } from '../../../functions/host/runner.ts';
import { CloverError, type ErrorCode } from '../../../functions/lib/errors.ts';
import { entryOf, eventOf, handlersOf, silent } from './helpers.ts';

const details = [{ field: 'data', message: 'is too large' }];
const runnerThatRefuses = (code: ErrorCode, caught: unknown[] = []) =>
  createRunner({
    functions: [
      {
        name: 'f',
        handlers: [
          ...handlersOf(['careless'], async (_event, { emit }) => emit(eventOf({ id: 'made' }))),
          ...handlersOf(['careful'], async (_event, { emit }) =>
            emit(eventOf()).catch((error: unknown) => void caught.push(error)),
          ),
        ],
      },
    ],
    catalogue: [entryOf('f')],
    log: silent,
    emit: async () => {
      throw new CloverError(code, 'no', { details, retryAfter: 7 });
    },
  });
const request = (type: string) => ({ read: async () => eventOf({ type }), log: () => silent });

test('an emitted event that is refused for good is the failure of its function: 502, and never its cause’s', async (t) => {
  for (const code of [
    'CLV_EVENT_INVALID',
    'CLV_BODY_TOO_LARGE',
    'CLV_NOT_FOUND',
    'CLV_EVENT_DATA_INVALID',
  ] as const) {
    const runner = runnerThatRefuses(code);
    const error = await t.throwsAsync(runner.post('f', request('careless')));
    t.like(error, { code: 'CLV_EMIT_REFUSED', status: 502, details });
    t.is(error?.message, 'test.event made was emitted, and refused: no');
    t.like(error?.cause, { code });
    const { status } = await runner.deliver({
      function: 'f',
      event: eventOf({ type: 'careless' }),
      route: 'on-careless',
      attempt: 1,
      timeoutMs: 10_000,
    });
    t.is(status, 502, 'the broker tries the cause again');
  }
});

test('a handler may catch the refusal of what it emits', async (t) => {
  const caught: unknown[] = [];
  const runner = runnerThatRefuses('CLV_EVENT_INVALID', caught);
  t.is(await runner.post('f', request('careful')), undefined);
  t.like(caught[0], { code: 'CLV_EMIT_REFUSED' });
});

test('what may do better next time goes on as it is', async (t) => {
  for (const code of ['CLV_OVERLOADED', 'CLV_TOO_MANY_REQUESTS', 'CLV_CONFIG_INVALID'] as const) {
    const error = await t.throwsAsync(runnerThatRefuses(code).post('f', request('careless')));
    t.like(error, { code, retryAfter: 7 });
  }
});

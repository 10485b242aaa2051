import test from 'ava';
import { Writable } from 'node:stream';
import { pino } from 'pino';
import { problemOf } from '../../../functions/host/problem.ts';
import { CloverError } from '../../../functions/lib/errors.ts';
import { eventOf, handlersOf } from './helpers.ts';
import { post, start } from './start-host.ts';

const trapped = (): never => {
  throw new Error('a trap');
};

test('a thrown value that throws when it is looked at is 500, and in the log', async (t) => {
  let log = '';
  const sink = new Writable({
    write(chunk: unknown, _encoding, done) {
      log += String(chunk);
      done();
    },
  });
  const hostile: readonly ProxyHandler<Error>[] = [
    { getPrototypeOf: trapped },
    { get: trapped },
    { getPrototypeOf: trapped, get: trapped, ownKeys: trapped, has: trapped },
  ];
  for (const traps of hostile) {
    const handlers = handlersOf(['direct'], async () => {
      throw new Proxy(new Error('behind'), traps);
    });
    const { url } = await start(t, { handlers }, { log: pino(sink) });
    log = '';
    const response = await post(`${url}/functions/f`, eventOf({ type: 'direct' }));
    t.is(response.status, 500);
    t.like(await response.json(), { code: 'CLV_INTERNAL' });
    t.regex(log, /"level":50,.*request failed/);
  }
});

test('a problem tells the first details, and how many more there are', (t) => {
  const details = Array.from({ length: 100_000 }, (_, at) => ({
    field: `items[${at}]`,
    message: 'is bad',
  }));
  const problem = problemOf(new CloverError('CLV_RESOURCE_INVALID', 'no', { details }));
  t.deepEqual(problem.details, details.slice(0, 32));
  t.is(problem.detail, 'no (99968 more)');
  const few = problemOf(
    new CloverError('CLV_RESOURCE_INVALID', 'no', { details: problem.details }),
  );
  t.is(few.details.length, 32);
  t.is(few.detail, 'no');
});

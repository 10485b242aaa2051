import test from 'ava';
import { pino } from 'pino';
import { z } from 'zod';
import { handlerEvent } from '../../../functions/host/handler-event.ts';
import type { CloverFunction } from '../../../functions/host/function.ts';
import type { CloudEvent } from '../../../functions/lib/cloud-event.ts';
import { eventOf, handlersOf } from './helpers.ts';
import { authorization, post, start } from './start-host.ts';

/** An event of somebody whose code was checked by no compiler. */
const untyped = (value: unknown): CloudEvent => z.custom<CloudEvent>().parse(value);

test('what a handler made is an event, or each of its bad members is named', (t) => {
  const good = eventOf({ subject: 'ü', extensions: { a: '1' } });
  t.is(handlerEvent(good, 'it'), good);
  const cases: readonly (readonly [CloudEvent, readonly string[]])[] = [
    [untyped({ hello: 1 }), ['specversion', 'id', 'source', 'type', 'extensions', 'data']],
    [untyped('text'), ['event']],
    [untyped(null), ['event']],
    [untyped({ ...good, subject: 5, extensions: { n: 1 } }), ['subject', 'extensions.n']],
    [untyped({ ...good, extensions: 'a' }), ['extensions']],
    [eventOf({ id: '', type: '' }), ['id', 'type']],
    [eventOf({ time: 'now' }), ['time']],
    [eventOf({ extensions: { Upper: 'x' } }), ['Upper']],
  ];
  for (const [event, fields] of cases) {
    const error = t.throws(() => handlerEvent(event, 'the reply of f'), {
      code: 'CLV_HANDLER_EVENT_INVALID',
      message: /^the reply of f is not a valid CloudEvent 1\.0: /,
    });
    t.like(error, { status: 502, details: fields.map((field) => ({ field })) });
  }
});

const careless: Omit<CloverFunction, 'name'> = {
  handlers: [
    ...handlersOf(['direct'], async ({ id }) =>
      id === 'object' ? untyped({ hello: 1 }) : eventOf({ id: '', type: '' }),
    ),
    ...handlersOf(['a'], async (_event, { emit }) => emit(eventOf({ id: '', type: 'b' }))),
  ],
};

/** A log, and the message and the code of each error in it. */
function errorLog() {
  const errors: unknown[] = [];
  const write = (line: string): void => {
    const { err, msg } = z
      .looseObject({ msg: z.string(), err: z.looseObject({ code: z.string() }) })
      .parse(JSON.parse(line));
    errors.push([msg, err.code]);
  };
  return { errors, log: pino({ level: 'error' }, { write }) };
}

test('a reply that is no event, and an event that is none, are the failure of the function', async (t) => {
  const { errors, log } = errorLog();
  const emitted: CloudEvent[] = [];
  const emit = async (event: CloudEvent): Promise<void> => void emitted.push(event);
  const { url } = await start(t, careless, { emit, log });
  const answers = [
    await post(`${url}/functions/f`, eventOf({ type: 'direct' })),
    await post(`${url}/functions/f`, eventOf({ type: 'direct', id: 'object' })),
    await post(`${url}/functions/f`, eventOf({ type: 'a' })),
  ];
  for (const answer of answers) {
    t.is(answer.status, 502);
    t.is(answer.headers.get('ce-id'), null);
    t.like(await answer.json(), { code: 'CLV_HANDLER_EVENT_INVALID' });
  }
  t.deepEqual(emitted, []);
  const logged = ['request failed', 'CLV_HANDLER_EVENT_INVALID'];
  t.deepEqual(errors, [logged, logged, logged], 'the reason is in the log');
});

const jsonEvent = (id: string, type: string): object => ({
  specversion: '1.0',
  id,
  source: '/s',
  type,
});

test('in a batch they are 502 as well, and the batch is to be sent again', async (t) => {
  const { errors, log } = errorLog();
  const { url } = await start(t, careless, { log });
  const response = await fetch(`${url}/functions/f`, {
    method: 'POST',
    headers: { authorization, 'content-type': 'application/cloudevents-batch+json' },
    body: JSON.stringify([
      jsonEvent('1', 'direct'),
      jsonEvent('object', 'direct'),
      jsonEvent('3', 'a'),
    ]),
  });
  t.is(response.status, 503);
  const failed = { status: 502, code: 'CLV_HANDLER_EVENT_INVALID' };
  t.like(await response.json(), { results: [failed, failed, failed] });
  const logged = ['an event of a batch failed', 'CLV_HANDLER_EVENT_INVALID'];
  t.deepEqual(errors, [logged, logged, logged], 'the reasons are in the log');
});

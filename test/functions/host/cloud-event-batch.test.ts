import test from 'ava';
import fc from 'fast-check';
import { pino } from 'pino';
import { z } from 'zod';
import { decodeBatch, decodeStructured } from '../../../functions/host/cloud-event-json.ts';
import type { CloudEvent } from '../../../functions/lib/cloud-event.ts';
import { CloverError } from '../../../functions/lib/errors.ts';
import { eventOf, handlersOf } from './helpers.ts';
import { authorization, start } from './start-host.ts';

const event = (members: object = {}): object => ({
  specversion: '1.0',
  id: '1',
  source: '/s',
  type: 'direct',
  ...members,
});
const batchType = 'application/cloudevents-batch+json; charset=utf-8';

test('JSON data passes byte for byte: no number becomes another one', (t) => {
  const data = '{ "big": 12345678901234567890, "one": 1.0,\n"e": 1E400, "u": "\\u00e9é" }';
  const body = Buffer.from(
    `{"specversion":"1.0","id":"1","source":"/s","type":"t","data":${data}}`,
  );
  t.is(decodeStructured(body).data.toString(), data);
});

test('members that come twice or have another type, deep nesting and text that would change are refused', (t) => {
  const begin = '{"specversion":"1.0","id":"1","source":"/s","type":"t"';
  const bad = [
    `${begin},"id":"2"}`,
    `${begin},"x":null,"x":"b"}`,
    '{"specversion":"1.0","id":5,"source":"/s","type":"t"}',
    `${begin},"subject":true}`,
    `${begin},"n":1.0}`,
    `${begin},"n":1e3}`,
    `${begin},"datacontenttype":"text/plain","data":"\\ud800"}`,
    `${begin},"datacontenttype":"text/plain; charset=iso-8859-1","data":"é"}`,
    `${begin},"data":${'['.repeat(600)}${']'.repeat(600)}}`,
    `${begin}} x`,
    `${begin},}`,
    '[]',
  ].map((text) => Buffer.from(text));
  for (const body of [...bad, Buffer.from([0x7b, 0xff, 0x7d])]) {
    t.throws(() => decodeStructured(body), { code: 'CLV_EVENT_INVALID' }, body.toString());
  }
});

test('of a batch each item is an event or has its own error', (t) => {
  const items = [event(), event({ id: '' }), 5, event({ data: { a: 1 } })];
  const decoded = decodeBatch(Buffer.from(JSON.stringify(items)));
  t.deepEqual(
    decoded.map((item) => item.error?.details.map(({ field }) => field) ?? 'event'),
    ['event', ['[1].id'], ['[2]'], 'event'],
  );
  const named = decodeBatch(Buffer.from(JSON.stringify([event({ id: 'a', type: '' })])));
  t.like(named[0], { id: 'a', error: { code: 'CLV_EVENT_INVALID' } });
  t.deepEqual(decodeBatch(Buffer.from(' [ ] ')), []);
  t.throws(() => decodeBatch(Buffer.from(`[${'0,'.repeat(10_000)}0]`)), {
    code: 'CLV_BODY_TOO_LARGE',
  });
  t.throws(() => decodeBatch(Buffer.from(JSON.stringify(event()))), { code: 'CLV_EVENT_INVALID' });
});

test('whatever the body is, it is decoded or refused', (t) => {
  const valid = Buffer.from(JSON.stringify([event({ data: { a: [1, 'x', null] }, ext: 'é' })]));
  const bodies = fc.oneof(
    fc.uint8Array({ maxLength: 200 }),
    fc.json().map((text) => Buffer.from(text)),
    fc.nat(valid.length).map((length) => valid.subarray(0, length)),
    fc
      .tuple(fc.nat(valid.length - 1), fc.nat(255))
      .map(([at, byte]) => Buffer.from(valid).fill(byte, at, at + 1)),
  );
  fc.assert(
    fc.property(bodies, (bytes) => {
      for (const decode of [decodeBatch, decodeStructured]) {
        try {
          decode(Buffer.from(bytes));
        } catch (error) {
          if (!(error instanceof CloverError) || error.code !== 'CLV_EVENT_INVALID') throw error;
        }
      }
    }),
    { numRuns: 500 },
  );
  t.pass();
});

test('what JSON.parse takes is taken, and what it refuses is refused', (t) => {
  fc.assert(
    fc.property(fc.oneof(fc.json(), fc.string()), (data) => {
      let isJson = true;
      try {
        JSON.parse(data);
      } catch {
        isJson = false;
      }
      const body = Buffer.from(
        `{"specversion":"1.0","id":"1","source":"/s","type":"t","data":${data}}`,
      );
      // A text such as `1,"x":2` makes another object, which is one as well.
      if (!isJson && /[,{}]/.test(data)) return;
      let taken: string | undefined;
      try {
        taken = decodeStructured(body).data.toString();
      } catch {
        taken = undefined;
      }
      t.is(taken === undefined, !isJson, data);
      if (taken !== undefined) t.deepEqual(JSON.parse(taken), JSON.parse(data));
    }),
    { numRuns: 300 },
  );
});

const answer = z.looseObject({
  code: z.string().optional(),
  results: z.array(
    z.strictObject({
      index: z.number(),
      id: z.string().optional(),
      status: z.number(),
      code: z.string().optional(),
      detail: z.string().optional(),
      retryAfter: z.number().optional(),
    }),
  ),
});

const post = async (url: string, items: unknown) => {
  const response = await fetch(url, {
    method: 'POST',
    headers: { authorization, 'content-type': batchType },
    body: JSON.stringify(items),
  });
  const text = await response.text();
  const header = (name: string): string | null => response.headers.get(name);
  return {
    status: response.status,
    type: header('content-type'),
    retryAfter: header('retry-after'),
    text,
  };
};

test('a batch to a function is answered with a result per event; replies are emitted', async (t) => {
  const emitted: CloudEvent[] = [];
  const { url } = await start(
    t,
    {
      handlers: handlersOf(['direct'], async ({ id }) => {
        if (id === 'busy') {
          throw new CloverError('CLV_ANALYTICS_UNAVAILABLE', 'later', { retryAfter: 7 });
        }
        if (id === 'poison') throw new CloverError('CLV_TELEMETRY_MALFORMED', 'never');
        return eventOf({ type: 'answer', id });
      }),
    },
    {
      emit: async (sent) => {
        emitted.push(sent);
      },
    },
  );
  const done = await post(`${url}/functions/f`, [event(), event({ id: '2' })]);
  t.is(done.status, 200);
  t.deepEqual(answer.parse(JSON.parse(done.text)).results, [
    { index: 0, id: '1', status: 204 },
    { index: 1, id: '2', status: 204 },
  ]);
  t.deepEqual(emitted.map(({ id }) => id).toSorted(), ['1', '2']);

  const mixed = await post(`${url}/functions/f`, [
    event(),
    event({ id: 'poison' }),
    event({ type: 'other' }),
    { specversion: '1.0' },
    event({ id: 'busy' }),
  ]);
  t.is(mixed.status, 503, 'one of them may do better next time');
  t.is(mixed.type, 'application/problem+json');
  t.is(mixed.retryAfter, '7');
  t.deepEqual(
    answer.parse(JSON.parse(mixed.text)).results.map(({ status, code }) => [status, code]),
    [
      [204, undefined],
      [400, 'CLV_TELEMETRY_MALFORMED'],
      [400, 'CLV_EVENT_INVALID'],
      [400, 'CLV_EVENT_INVALID'],
      [503, 'CLV_ANALYTICS_UNAVAILABLE'],
    ],
  );
  t.is((await post(`${url}/functions/f`, [event({ id: 'poison' })])).status, 400);
  t.is((await post(`${url}/functions/f`, [])).status, 200);
  t.is((await post(`${url}/functions/f`, {})).status, 400);
});

test('what fails inside for an event of a batch is in the log, with its place and its id', async (t) => {
  const lines: string[] = [];
  const { url } = await start(
    t,
    {
      handlers: handlersOf(['direct'], async ({ id }) => {
        if (id === 'bug') throw new Error('cause of the inside');
        if (id === 'poison') throw new CloverError('CLV_TELEMETRY_MALFORMED', 'never');
      }),
    },
    { log: pino({ level: 'error' }, { write: (line) => lines.push(line) }) },
  );
  const items = ['1', 'poison', 'bug'].map((id) => event({ id }));
  const { status, text } = await post(`${url}/functions/f`, items);
  t.is(status, 503);
  t.notRegex(text, /cause of the inside/);
  t.is(lines.length, 1);
  t.like(JSON.parse(lines[0] ?? ''), {
    index: 2,
    id: 'bug',
    err: { message: 'cause of the inside' },
  });
});

const trapped = (): never => {
  throw new Error('a trap');
};

test('a thrown value that throws when it is looked at fails its own event alone', async (t) => {
  const lines: string[] = [];
  const { url } = await start(
    t,
    {
      handlers: handlersOf(['direct'], async ({ id }) => {
        if (id === 'get') throw new Proxy(new CloverError('CLV_CONFLICT', 'x'), { get: trapped });
        if (id === 'all') {
          throw new Proxy(new Error('x'), { get: trapped, getPrototypeOf: trapped, has: trapped });
        }
      }),
    },
    { log: pino({ level: 'error' }, { write: (line) => lines.push(line) }) },
  );
  const ids = ['1', 'get', 'all', '2'];
  const { status, text } = await post(
    `${url}/functions/f`,
    ids.map((id) => event({ id })),
  );
  t.is(status, 503);
  t.like(JSON.parse(text), {
    results: [
      { id: '1', status: 204 },
      { id: 'get', status: 500, code: 'CLV_INTERNAL' },
      { id: 'all', status: 500, code: 'CLV_INTERNAL' },
      { id: '2', status: 204 },
    ],
  });
  t.is(lines.length, 2);
});

test('the result of an event names its first details, and how many more there are', async (t) => {
  const details = Array.from({ length: 50 }, (_, at) => ({ field: `f${at}`, message: 'is bad' }));
  const { url } = await start(t, {
    handlers: handlersOf(['direct'], async () => {
      throw new CloverError('CLV_EVENT_DATA_INVALID', 'no', { details });
    }),
  });
  const { text } = await post(`${url}/functions/f`, [event({ id: '1' })]);
  const shown = details.slice(0, 8).map(({ field }) => `; ${field}: is bad`);
  t.like(JSON.parse(text), { results: [{ detail: `no${shown.join('')}; (42 more)` }] });
});

test('a batch to the broker commits each event by itself', async (t) => {
  const taken: string[] = [];
  const { url } = await start(
    t,
    {},
    {
      publish: async ({ id }) => {
        if (id === 'full') throw new CloverError('CLV_OVERLOADED', 'full');
        taken.push(id);
      },
    },
  );
  t.is((await post(`${url}/broker`, [event({ id: 'a' }), event({ id: 'b' })])).status, 200);
  t.is((await post(`${url}/broker`, [event({ id: 'full' }), event({ id: 'c' })])).status, 503);
  t.deepEqual(taken.toSorted(), ['a', 'b', 'c']);
});

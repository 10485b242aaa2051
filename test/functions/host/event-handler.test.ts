import test, { type ExecutionContext } from 'ava';
import { z } from 'zod';
import { on, type EventContract } from '../../../functions/host/event-handler.ts';
import type { CloudEvent } from '../../../functions/lib/cloud-event.ts';
import { eventOf } from './helpers.ts';
import { authorization, post, start } from './start-host.ts';

const order = z.strictObject({
  id: z.string().min(1),
  lines: z.array(z.strictObject({ sku: z.string(), count: z.int().min(1) })),
  'note.to': z.string().optional(),
});
const good = { id: 'A-1', lines: [{ sku: 'x', count: 2 }] };

const problem = z.looseObject({
  code: z.string(),
  detail: z.string(),
  details: z.array(z.strictObject({ field: z.string(), message: z.string() })),
});

interface Shop {
  readonly send: (event: Partial<CloudEvent>) => Promise<{
    readonly status: number;
    readonly code: string;
    readonly detail: string;
    readonly fields: readonly string[];
    readonly messages: string;
  }>;
  readonly taken: unknown[];
  readonly url: string;
}

async function shop(t: ExecutionContext): Promise<Shop> {
  const taken: unknown[] = [];
  const { url } = await start(t, {
    handlers: [
      on({ type: 'direct', schema: order }, async ({ data }) => {
        taken.push(data);
      }),
    ],
  });
  return {
    taken,
    url,
    send: async (event) => {
      const response = await post(`${url}/functions/f`, eventOf({ type: 'direct', ...event }));
      const text = await response.text();
      const { code, detail, details } = problem.parse(
        text === '' ? { code: '', detail: '', details: [] } : JSON.parse(text),
      );
      return {
        status: response.status,
        code,
        detail,
        fields: details.map(({ field }) => field),
        messages: details.map(({ message }) => message).join('; '),
      };
    },
  };
}

const json = (value: unknown): Buffer => Buffer.from(JSON.stringify(value));

test('data that breaks the schema of its type is 422 with the path of every bad field', async (t) => {
  const { send, taken } = await shop(t);
  const cases: readonly (readonly [unknown, readonly string[]])[] = [
    [{ ...good, id: '' }, ['data.id']],
    [
      { ...good, id: 5, lines: [{ sku: 'x', count: 2 }, { sku: 'y' }] },
      ['data.id', 'data.lines[1].count'],
    ],
    [{ ...good, 'note.to': 1 }, ['data["note.to"]']],
    [{ ...good, extra: 1 }, ['data.extra']],
    [[], ['data']],
    [null, ['data']],
  ];
  for (const [data, fields] of cases) {
    const answer = await send({ data: json(data), datacontenttype: 'application/json' });
    t.like(answer, { status: 422, code: 'CLV_EVENT_DATA_INVALID', fields }, JSON.stringify(data));
    t.regex(answer.detail, /^direct: data/);
  }
  t.deepEqual(taken, [], 'nothing of them came to the handler');
});

test('what is wrong with data is said in the words of the other schemas', async (t) => {
  const { send } = await shop(t);
  const messages = async (data: unknown): Promise<string> =>
    (await send({ data: json(data) })).messages;
  t.is(await messages({ id: 'A', lines: [{ sku: 'x' }] }), 'is required; expected number');
  t.is(await messages({ id: 5, lines: [] }), 'found 5; expected string');
  t.is(await messages({ id: 'A', lines: [{ sku: 'x', count: 0 }] }), 'found 0; must be at least 1');
  t.is(await messages({ ...good, lnes: 1 }), 'unknown field');
  t.is(await messages(null), 'found null; expected object');
  const many = Object.fromEntries(Array.from({ length: 1_000 }, (_, at) => [`x${at}`, 1]));
  const { fields, detail } = await send({ data: json({ ...good, ...many }) });
  t.is(fields.length, 32);
  t.regex(detail, /\(968 more\)$/);
});

test('data that is no JSON is 422, and never another text', async (t) => {
  const { send, taken } = await shop(t);
  for (const data of ['', '{', '{"id":"A"}}', '\ufeff{}', 'NaN', "{'id':1}"]) {
    const answer = await send({ data: Buffer.from(data) });
    t.like(answer, { status: 422, code: 'CLV_EVENT_DATA_INVALID', fields: ['data'] }, data);
  }
  const notUtf8 = Buffer.concat([
    Buffer.from('{"id":"'),
    Buffer.of(0xff),
    Buffer.from('","lines":[]}'),
  ]);
  t.like(await send({ data: notUtf8 }), {
    status: 422,
    fields: ['data'],
    messages: 'is not JSON in UTF-8',
  });
  t.deepEqual(taken, []);
});

test('an answer names at most 32 bad fields, and how many more there are', async (t) => {
  const { send } = await shop(t);
  const lines = Array.from({ length: 1_000 }, () => ({ sku: 1, count: 1 }));
  const answer = await send({ data: json({ id: 'A', lines }) });
  t.is(answer.fields.length, 32);
  t.regex(answer.detail, /\(968 more\)$/);
});

test('data nested deeper than any schema is 422', async (t) => {
  const { send } = await shop(t);
  const deep = `${'['.repeat(200_000)}${']'.repeat(200_000)}`;
  t.like(await send({ data: Buffer.from(deep) }), { status: 422, fields: ['data'] });
  const inside = `{"id":"A","lines":[],"x":${deep}}`;
  t.like(await send({ data: Buffer.from(inside) }), { status: 422, fields: ['data.x'] });
});

test('a content type that is no JSON in UTF-8 is 415 for a typed handler; none at all is JSON', async (t) => {
  const { send, taken } = await shop(t);
  const data = json(good);
  for (const datacontenttype of [
    'text/plain',
    'application/x-protobuf',
    'application/json; charset=utf-16',
    'application/json-seq',
  ]) {
    const answer = await send({ data, datacontenttype });
    t.like(
      answer,
      { status: 415, code: 'CLV_UNSUPPORTED_MEDIA_TYPE', fields: ['datacontenttype'] },
      datacontenttype,
    );
    t.true(answer.messages.includes('must be application/json'), 'the fix');
  }
  t.deepEqual(taken, []);
  const fit = [
    'application/json',
    'Application/JSON ; charset="UTF-8"',
    'application/vnd.shop+json',
  ];
  for (const datacontenttype of fit) t.is((await send({ data, datacontenttype })).status, 204);
  t.is((await send({ data })).status, 204);
  t.deepEqual(taken, [good, good, good, good]);
});

test('a type that the function does not take is 400 and names those that it takes', async (t) => {
  const { send, taken } = await shop(t);
  const answer = await send({ type: 'Direct', data: json(good) });
  t.like(answer, { status: 400, code: 'CLV_EVENT_INVALID', fields: ['type'] });
  t.regex(answer.messages, /must be one of: a, direct/);
  // One that the catalogue has, and the code does not.
  t.like(await send({ type: 'a', data: json(good) }), { status: 400, code: 'CLV_EVENT_INVALID' });
  t.deepEqual(taken, []);
});

const event = (id: string, data: unknown): object => ({
  specversion: '1.0',
  id,
  source: '/s',
  type: 'direct',
  data,
});

test('in a batch each event is judged by its own data', async (t) => {
  const { url, taken } = await shop(t);
  const response = await fetch(`${url}/functions/f`, {
    method: 'POST',
    headers: { authorization, 'content-type': 'application/cloudevents-batch+json' },
    body: JSON.stringify([event('1', good), event('2', { ...good, id: 1 }), event('3', good)]),
  });
  t.is(response.status, 400);
  const { results } = z
    .looseObject({
      results: z.array(z.looseObject({ status: z.number(), detail: z.string().optional() })),
    })
    .parse(await response.json());
  t.deepEqual(
    results.map(({ status }) => status),
    [204, 422, 204],
  );
  t.regex(results[1]?.detail ?? '', /data\.id/);
  t.is(taken.length, 2);
});

test('a schema that looks something up is waited for, and its failure is that of the event alone', async (t) => {
  const inStock = z.strictObject({
    sku: z.string().refine(async (sku) => sku === 'x', 'is not in stock'),
  });
  const lookUp: EventContract<unknown>['schema'] = {
    '~standard': {
      validate: async (value) => {
        if (JSON.stringify(value).includes('down')) throw new Error('the stock does not answer');
        return { value };
      },
    },
  };
  const taken: unknown[] = [];
  const take = async ({ data }: { readonly data: unknown }): Promise<void> => {
    taken.push(data);
  };
  const { url } = await start(t, {
    handlers: [
      on({ type: 'direct', schema: inStock }, take),
      on({ type: 'a', schema: lookUp }, take),
    ],
  });
  const send = (type: string, sku: string) =>
    post(`${url}/functions/f`, eventOf({ type, data: json({ sku }) }));
  const unknown = await send('direct', 'y');
  t.is(unknown.status, 422);
  t.like(await unknown.json(), {
    details: [{ field: 'data.sku', message: 'found "y"; is not in stock' }],
  });
  t.is((await send('direct', 'x')).status, 204);
  t.is((await send('a', 'down')).status, 500);
  t.is((await send('a', 'y')).status, 204);
  t.deepEqual(taken, [{ sku: 'x' }, { sku: 'y' }]);
});

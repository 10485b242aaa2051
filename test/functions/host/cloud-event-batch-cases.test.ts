import test from 'ava';
import { z } from 'zod';
import { handlersOf } from './helpers.ts';
import { rawPost, sendRaw } from './raw-request.ts';
import { authorization, start } from './start-host.ts';

const event = (id: string, members: object = {}): object => ({
  specversion: '1.0',
  id,
  source: '/s',
  type: 'direct',
  ...members,
});

/** A result: its status, and where the problem is. */
type Result = readonly [status: number, problem?: RegExp];

interface BatchCase {
  readonly name: string;
  /** Of CloudEvents 1.0.2. */
  readonly clause: string;
  readonly contentType?: string;
  readonly body: unknown;
  readonly status: number;
  /** Absent: the batch is refused as a whole. */
  readonly results?: readonly Result[];
  /** Ids of what comes to the handler. */
  readonly taken: readonly string[];
}

const cases: readonly BatchCase[] = [
  { name: 'no event', clause: 'JSON §4', body: [], status: 200, results: [], taken: [] },
  {
    name: 'one event',
    clause: 'JSON §4.1',
    body: [event('1')],
    status: 200,
    results: [[204]],
    taken: ['1'],
  },
  {
    name: 'the same event twice',
    clause: 'JSON §4.1',
    body: [event('1'), event('1')],
    status: 200,
    results: [[204], [204]],
    taken: ['1', '1'],
  },
  {
    name: 'a content type in capitals with parameters',
    clause: 'HTTP §3.3',
    contentType: 'Application/CloudEvents-Batch+JSON; charset=UTF-8',
    body: [event('1'), event('2', { subject: 'x', data_base64: 'AA==' })],
    status: 200,
    results: [[204], [204]],
    taken: ['1', '2'],
  },
  {
    name: 'one bad event of three',
    clause: 'JSON §4.1',
    body: [event('1'), event('2', { time: 'noon' }), event('3')],
    status: 400,
    results: [[204], [400, /\[1\]\.time: must be an RFC 3339/], [204]],
    taken: ['1', '3'],
  },
  {
    name: 'versions that are mixed',
    clause: 'JSON §4.1',
    body: [event('1'), event('2', { specversion: '0.3' })],
    status: 400,
    results: [[204], [400, /\[1\]\.specversion: must be "1\.0"/]],
    taken: ['1'],
  },
  {
    name: 'an event without an id',
    clause: 'Core §3.1.1 id',
    body: [{ specversion: '1.0', source: '/s', type: 'direct' }],
    status: 400,
    results: [[400, /\[0\]\.id: is required/]],
    taken: [],
  },
  {
    name: 'a type that is not taken',
    clause: 'Core §3.1.1 type',
    body: [event('1', { type: 'other' }), event('2')],
    status: 400,
    results: [[400, /type: must be one of/], [204]],
    taken: ['2'],
  },
  {
    name: 'what is no object',
    clause: 'JSON §4.1',
    body: ['text', event('1'), null, 5, [event('2')], true],
    status: 400,
    results: [
      [400, /\[0\]: is not a JSON object/],
      [204],
      [400, /\[2\]: is not/],
      [400, /\[3\]: is not/],
      [400, /\[4\]: is not/],
      [400, /\[5\]: is not/],
    ],
    taken: ['1'],
  },
  { name: 'an object', clause: 'JSON §4.1', body: event('1'), status: 400, taken: [] },
  { name: 'null', clause: 'JSON §4.1', body: null, status: 400, taken: [] },
  {
    name: 'more than ten thousand',
    clause: 'RFC 9110 §15.5.14',
    body: Array.from({ length: 10_001 }, () => 0),
    status: 413,
    taken: [],
  },
  {
    name: 'another charset',
    clause: 'RFC 8259 §8.1',
    contentType: 'application/cloudevents-batch+json; charset=utf-16',
    body: [event('1')],
    status: 415,
    taken: [],
  },
];

const answered = z.looseObject({
  code: z.string().optional(),
  results: z
    .array(z.looseObject({ index: z.number(), status: z.number(), detail: z.string().optional() }))
    .optional(),
});

for (const { name, clause, contentType, body, status, results, taken } of cases) {
  test(`batch: ${name} (${clause})`, async (t) => {
    const seen: string[] = [];
    const { port } = await start(t, {
      handlers: handlersOf(['direct'], async ({ id }) => {
        seen.push(id);
      }),
    });
    const fields = [
      ['authorization', authorization],
      ['content-type', contentType ?? 'application/cloudevents-batch+json'],
    ] as const;
    const request = rawPost('/functions/f', fields, Buffer.from(JSON.stringify(body)));
    const answer = await sendRaw(port, request);
    t.is(answer?.status, status, answer?.text);
    const { code, results: found } = answered.parse(JSON.parse(answer?.text ?? ''));
    t.is(code === undefined, status === 200);
    t.deepEqual(seen.toSorted(), taken);
    t.deepEqual(
      found?.map((result) => [result.index, result.status]),
      results?.map(([each], index) => [index, each]),
    );
    for (const [index, [, problem]] of (results ?? []).entries()) {
      if (problem !== undefined) t.regex(found?.[index]?.detail ?? '', problem);
    }
  });
}

test('batch: a text that ends too early has no effect, however many events it began with (RFC 8259 §2)', async (t) => {
  const seen: string[] = [];
  const { port } = await start(t, {
    handlers: handlersOf(['direct'], async ({ id }) => {
      seen.push(id);
    }),
  });
  const whole = JSON.stringify([event('1'), event('2')]);
  const fields = [
    ['authorization', authorization],
    ['content-type', 'application/cloudevents-batch+json'],
  ] as const;
  for (let length = 0; length < whole.length; length += 7) {
    const request = rawPost('/functions/f', fields, Buffer.from(whole.slice(0, length)));
    t.is((await sendRaw(port, request))?.status, 400, whole.slice(0, length));
  }
  t.deepEqual(seen, []);
});

import test from 'ava';
import fc from 'fast-check';
import {
  decodeHttpMessage,
  type DistinctHeaders,
} from '../../../functions/host/cloud-event-http.ts';
import { attributesOf, maxAttributeBytes } from '../../../functions/host/cloud-event-attributes.ts';
import { decodeBatch } from '../../../functions/host/cloud-event-json.ts';
import { eventHeaders } from '../../../functions/lib/event-headers.ts';
import type { CloudEvent } from '../../../functions/lib/cloud-event.ts';
import { CloverError } from '../../../functions/lib/errors.ts';
import { arbitraryEvent } from './arbitrary-event.ts';

const distinct = (headers: Readonly<Record<string, string>>): Record<string, string[]> =>
  Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, [value]]));

const decodeHttpEvent = (headers: DistinctHeaders, body: Buffer): CloudEvent => {
  const message = decodeHttpMessage(headers, body);
  if (message.event === undefined) throw new TypeError('a batch');
  return message.event;
};

const required = {
  'ce-specversion': '1.0',
  'ce-id': '1',
  'ce-source': '/s',
  'ce-type': 'a.b',
};

const decode = (headers: Record<string, string>, body = ''): CloudEvent =>
  decodeHttpEvent(distinct(headers), Buffer.from(body));

const refused = (run: () => unknown): CloverError => {
  try {
    run();
  } catch (error) {
    if (error instanceof CloverError) return error;
    throw error;
  }
  throw new Error('was accepted');
};

const structured = (members: Record<string, unknown>): CloudEvent =>
  decode(
    { 'content-type': 'application/cloudevents+json' },
    JSON.stringify({ specversion: '1.0', id: '1', source: '/s', type: 't', ...members }),
  );

test('every event survives binary mode', (t) => {
  fc.assert(
    fc.property(arbitraryEvent, (given) => {
      const headers = eventHeaders(given);
      for (const value of Object.values(headers)) t.regex(value, /^[\x20-\x7e]*$/);
      t.deepEqual(decodeHttpEvent(distinct(headers), given.data), given);
    }),
  );
});

test('every event survives structured mode with base64 data', (t) => {
  fc.assert(
    fc.property(arbitraryEvent, ({ data, extensions, ...attributes }) => {
      const body = { ...attributes, ...extensions, data_base64: data.toString('base64') };
      const back = decode(
        { 'content-type': 'application/cloudevents+json; charset=UTF-8' },
        JSON.stringify(body),
      );
      t.deepEqual(back, { ...attributes, extensions, data });
    }),
  );
});

test('the example of the specification is encoded as it says', (t) => {
  const headers = eventHeaders({
    ...decode(required),
    subject: 'Euro € 😀',
    extensions: { quoted: 'a "b" 100%' },
  });
  t.is(headers['ce-subject'], 'Euro%20%E2%82%AC%20%F0%9F%98%80');
  t.is(headers['ce-quoted'], 'a%20%22b%22%20100%25');
});

test('quoted header values of older senders are read', (t) => {
  t.is(decode({ ...required, 'ce-subject': '"a \\"b\\" %E2%82%AC"' }).subject, 'a "b" €');
  t.is(decode({ ...required, 'ce-subject': 'a "b" "c' }).subject, 'a b "c', 'one without its pair');
});

test('quotes that are never closed are read in one pass', (t) => {
  // A reader that looks for the pair of each of them anew would not end before the time limit of this test.
  const open = '"\\'.repeat(1_000_000);
  t.is(refused(() => decode({ ...required, 'ce-subject': open })).details[0]?.field, 'subject');
  const some = open.slice(0, 8_000);
  t.is(decode({ ...required, 'ce-subject': some }).subject, some);
});

test('an answer has a bound, whatever was wrong', (t) => {
  const many = Object.fromEntries(
    Array.from({ length: 1_000 }, (_, index) => [`ce-bad-${index}`, 'x']),
  );
  const error = refused(() => decode({ ...required, ...many }));
  t.is(error.details.length, 32);
  t.regex(error.message, /\(968 more\)/);
  const huge = refused(() => decode({ ...required, 'ce-specversion': '9'.repeat(10_000) }));
  t.true(JSON.stringify(huge.details).length < 300);
});

test('attributes have the bound of binary mode in every mode, and what is too large is named', (t) => {
  const used = Object.entries({
    specversion: '1.0',
    id: '1',
    source: '/s',
    type: 'a.b',
    subject: '',
  })
    .flat()
    .join('').length;
  const fits = `${'x'.repeat((maxAttributeBytes - used) % 3)}${'€'.repeat((maxAttributeBytes - used) / 3)}`;
  const told = `subject is the largest of attributes that have ${maxAttributeBytes + 1} bytes together`;
  const item = { specversion: '1.0', id: '1', source: '/s', type: 'a.b' };
  const modes: Record<string, (subject: string) => CloudEvent> = {
    binary: (subject) => decode({ ...required, 'ce-subject': encodeURIComponent(subject) }),
    structured: (subject) => structured({ type: 'a.b', subject }),
    batch: (subject) => {
      const [only] = decodeBatch(Buffer.from(JSON.stringify([{ ...item, subject }])));
      if (only === undefined || only.error !== undefined)
        throw only?.error ?? new TypeError('none');
      return only.event;
    },
    emitted: (subject) => {
      const event = { ...decode(required), subject };
      attributesOf(event);
      return event;
    },
  };
  for (const [mode, read] of Object.entries(modes)) {
    t.is(read(fits).subject, fits, mode);
    const { code, details } = refused(() => read(`${fits}x`));
    t.is(code, 'CLV_EVENT_INVALID', mode);
    t.is(details.length, 1, mode);
    const said = `${details[0]?.field} ${details[0]?.message}`.replace('[0].', '');
    t.true(said.startsWith(told), `${mode}: ${said}`);
  }
});

test('a value of any size is refused before it is looked at', (t) => {
  // A regular expression runs out of stack on this one.
  const { code, details } = refused(() => structured({ source: 'a'.repeat(10_000_000) }));
  t.deepEqual([code, details[0]?.field], ['CLV_EVENT_INVALID', 'source']);
  const many = Object.fromEntries(Array.from({ length: 9_000 }, (_, at) => [`x${at}`, true]));
  t.is(refused(() => structured(many)).details.length, 1);
});

test('the content type is the datacontenttype, and never a ce header', (t) => {
  t.is(decode({ ...required, 'content-type': 'application/x' }).datacontenttype, 'application/x');
  t.is(
    refused(() => decode({ ...required, 'ce-datacontenttype': 'application/x' })).details[0]?.field,
    'ce-datacontenttype',
  );
});

test('two content types are refused: each may mean another mode', (t) => {
  const types = ['text/plain', 'application/cloudevents+json'];
  const headers = { ...distinct(required), 'content-type': types };
  const error = refused(() => decodeHttpEvent(headers, Buffer.from('{}')));
  t.is(error.details[0]?.field, 'content-type');
});

test('headers that are no event are refused with the attribute', (t) => {
  const cases: [Record<string, string>, string][] = [
    [{ 'ce-specversion': '0.3' }, 'specversion'],
    [{ 'ce-id': '' }, 'id'],
    [{ 'ce-source': '' }, 'source'],
    [{ 'ce-source': 'no spaces%20 here' }, 'source'],
    [{ 'ce-type': '' }, 'type'],
    [{ 'ce-time': 'yesterday' }, 'time'],
    [{ 'ce-time': '2026-02-30T00:00:00Z' }, 'time'],
    [{ 'ce-my-ext': 'x' }, 'my-ext'],
    [{ 'ce-data': 'x' }, 'data'],
    [{ 'ce-subject': '%00' }, 'subject'],
    [{ 'ce-subject': '%ff' }, 'ce-subject'],
    [{ 'ce-subject': '100%' }, 'ce-subject'],
    [{ 'ce-dataschema': 'relative' }, 'dataschema'],
    [{ 'content-type': 'nonsense' }, 'datacontenttype'],
  ];
  for (const [headers, field] of cases) {
    const error = refused(() => decode({ ...required, ...headers }));
    t.is(error.code, 'CLV_EVENT_INVALID');
    t.deepEqual(
      error.details.map((detail) => detail.field),
      [field],
      JSON.stringify(headers),
    );
  }
  t.deepEqual(
    refused(() => decode({})).details.map((detail) => detail.field),
    ['specversion', 'id', 'source', 'type'],
  );
  t.is(
    refused(() => decodeHttpEvent({ ...distinct(required), 'ce-id': ['1', '2'] }, Buffer.alloc(0)))
      .details[0]?.field,
    'ce-id',
  );
});

test('other formats and charsets are 415, and other formats name binary mode', (t) => {
  const latin = 'application/cloudevents+json; charset=latin1';
  t.is(refused(() => decode({ 'content-type': latin }, '{}')).status, 415);
  for (const type of ['application/cloudevents-batch+avro', 'application/cloudevents+avro']) {
    const error = refused(() => decode({ 'content-type': type }, '[]'));
    t.is(error.status, 415);
    t.regex(error.message, /binary mode/);
  }
});

test('structured data follows its content type', (t) => {
  t.is(structured({ data: { a: 1 } }).data.toString(), '{"a":1}');
  t.is(structured({ data: { a: 1 } }).datacontenttype, 'application/json');
  t.is(structured({ datacontenttype: 'text/plain', data: 'hi' }).data.toString(), 'hi');
  t.deepEqual(structured({ count: 5, flag: true, gone: null }).extensions, {
    count: '5',
    flag: 'true',
  });
  const ends = { least: -(2 ** 31), most: 2 ** 31 - 1 };
  t.deepEqual(structured(ends).extensions, { least: '-2147483648', most: '2147483647' });
  for (const bad of [
    { datacontenttype: 'text/plain', data: {} },
    { data: 1, data_base64: '' },
    { data_base64: '%%' },
    { ext: {} },
    { ext: 1.5 },
    { ext: 2 ** 31 },
    { ext: -(2 ** 31) - 1 },
  ]) {
    t.is(refused(() => structured(bad)).code, 'CLV_EVENT_INVALID', JSON.stringify(bad));
  }
  t.is(refused(() => decode({ 'content-type': 'application/cloudevents+json' }, '[')).status, 400);
});

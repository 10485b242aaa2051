import type { CloudEvent } from '../../../functions/lib/cloud-event.ts';
import type { ErrorCode } from '../../../functions/lib/errors.ts';
import type { Ending, Field } from './raw-request.ts';

/** An event as a handler gets it: what is not named is absent, and the data is text or bytes. */
export interface Taken extends Partial<Omit<CloudEvent, 'data'>> {
  readonly data?: string | Buffer;
}

/** The answer to what is refused: where the problem is, and what it says of the fix. */
export interface Refused {
  readonly status: 400 | 413 | 415;
  readonly code: ErrorCode;
  /** Fields of `details`, in order. */
  readonly fields: readonly string[];
  /** In `detail` or in the messages of `details`. */
  readonly says: RegExp;
}

/** One case: a request over HTTP to a real host, and what the specification makes of it. */
export interface EventCase {
  readonly name: string;
  /** Of CloudEvents 1.0.2: the core specification, its HTTP binding or its JSON format; or of an RFC. */
  readonly clause: string;
  readonly fields: readonly Field[];
  readonly body?: string | Buffer;
  /** Default: straight to a function. */
  readonly path?: '/broker';
  /** Whether the caller ends its side, so that nothing more can come. Default: it waits. */
  readonly ending?: Ending;
  readonly taken?: Taken;
  readonly refused?: Refused;
}

/** The attributes that every event has, as a handler gets them. */
export const required = {
  specversion: '1.0',
  id: '1',
  source: '/s',
  type: 'direct',
  extensions: {},
} as const;

/** Binary mode with nothing but them. */
export const base: readonly Field[] = [
  ['ce-specversion', '1.0'],
  ['ce-id', '1'],
  ['ce-source', '/s'],
  ['ce-type', 'direct'],
];

/** Binary mode with one header set, or added when it comes twice. */
const binary = (name: string, ...values: readonly string[]): readonly Field[] => [
  ...base.filter(([known]) => known !== name),
  ...values.map((value) => [name, value] as const),
];

/** What is no CloudEvent, because of one field. */
export const invalid = (field: string, says: RegExp): Refused => ({
  status: 400,
  code: 'CLV_EVENT_INVALID',
  fields: [field],
  says,
});

const subject = (
  name: string,
  sent: string,
  read: string,
  clause = 'HTTP §3.1.3.2',
): EventCase => ({
  name,
  clause,
  fields: binary('ce-subject', sent),
  taken: { ...required, subject: read },
});

const bad = (
  name: string,
  clause: string,
  header: string,
  value: string,
  says: RegExp,
): EventCase => ({
  name,
  clause,
  fields: binary(header, value),
  refused: invalid(header.replace(/^ce-/, ''), says),
});

const badHeader = (name: string, header: string, value: string, says: RegExp): EventCase => ({
  name,
  clause: 'HTTP §3.1.3.2',
  fields: binary(header, value),
  refused: invalid(header, says),
});

/** Events in binary mode. */
export const binaryCases: readonly EventCase[] = [
  { name: 'four attributes', clause: 'Core §3.1', fields: base, taken: required },
  {
    name: 'header names in any case',
    clause: 'RFC 9110 §5.1',
    fields: base.map(([name, value]) => [name.toUpperCase(), value]),
    taken: required,
  },
  subject('percent-encoded UTF-8', 'Euro%20%E2%82%AC%20%F0%9F%98%80', 'Euro € 😀'),
  subject('percent-encoding in small letters', '%e2%82%ac', '€'),
  subject('what had no need of it', '%41%2F%7e', 'A/~'),
  subject('an encoded quote', 'a%22b', 'a"b'),
  subject('decoded once only', '%2541', '%41'),
  subject('a blank as it is', 'a b', 'a b'),
  subject('a quoted string of an older sender', '"a \\"b\\" %E2%82%AC"', 'a "b" €'),
  subject('a plus is a plus', 'a+b', 'a+b'),
  subject('parentheses are no comment', 'a (b) c', 'a (b) c'),
  badHeader('a percent sign alone', 'ce-subject', '100%', /percent-encoding/),
  badHeader('a percent sign before no hex', 'ce-subject', '%zz', /percent-encoding/),
  badHeader('bytes that are not UTF-8', 'ce-subject', '%ff%fe', /UTF-8/),
  badHeader('an overlong form', 'ce-subject', '%C0%A0', /UTF-8/),
  badHeader('half of a surrogate pair', 'ce-subject', '%ED%A0%80', /UTF-8/),
  badHeader('UTF-8 as it is', 'ce-subject', Buffer.from('é').toString('latin1'), /percent-encode/),
  badHeader('Latin-1 as it is', 'ce-id', 'caf\u00e9', /percent-encode/),
  bad(
    'an encoded control character',
    'Core §3.1 String',
    'ce-subject',
    '%00',
    /control characters/,
  ),
  bad('an encoded line break', 'Core §3.1 String', 'ce-ext', 'a%0D%0Ab', /control characters/),
  bad('an encoded noncharacter', 'Core §3.1 String', 'ce-ext', '%EF%BF%BE', /noncharacters/),
  bad(
    'an unknown version',
    'Core §3.1.1 specversion',
    'ce-specversion',
    '0.3',
    /must be "1\.0", found "0\.3"/,
  ),
  bad(
    'a version that is nearly right',
    'Core §3.1.1 specversion',
    'ce-specversion',
    '1.0.2',
    /must be "1\.0"/,
  ),
  bad('an empty version', 'Core §3.1.1 specversion', 'ce-specversion', '', /must be "1\.0"/),
  bad('an empty id', 'Core §3.1.1 id', 'ce-id', '', /not be empty/),
  bad('an id of blanks', 'RFC 9110 §5.5', 'ce-id', '  ', /not be empty/),
  bad('an empty source', 'Core §3.1.1 source', 'ce-source', '', /URI reference/),
  bad('a source that is no reference', 'Core §3.1.1 source', 'ce-source', 'a b', /URI reference/),
  bad('an empty type', 'Core §3.1.1 type', 'ce-type', '', /not be empty/),
  bad('an empty subject', 'Core §3.1.2 subject', 'ce-subject', '', /not be empty/),
  bad(
    'a schema that is relative',
    'Core §3.1.2 dataschema',
    'ce-dataschema',
    '/schema',
    /absolute URI/,
  ),
  bad('an empty schema', 'Core §3.1.2 dataschema', 'ce-dataschema', '', /absolute URI/),
  bad('a hyphen in a name', 'Core §3 naming', 'ce-my-ext', 'x', /lower-case letters and digits/),
  bad(
    'an underscore in a name',
    'Core §3 naming',
    'ce-my_ext',
    'x',
    /lower-case letters and digits/,
  ),
  bad('data as an attribute', 'Core §3 naming', 'ce-data', 'x', /the body is the data/),
  bad('a prefix alone', 'Core §3 naming', 'ce-', 'x', /lower-case letters and digits/),
  {
    name: 'the content type in a header of its own',
    clause: 'HTTP §3.1.1',
    fields: binary('ce-datacontenttype', 'text/plain'),
    refused: invalid('ce-datacontenttype', /use Content-Type/),
  },
  {
    name: 'an attribute twice',
    clause: 'RFC 9110 §5.3',
    fields: binary('ce-id', '1', '2'),
    refused: invalid('ce-id', /more than once/),
  },
  {
    name: 'an attribute twice, the same',
    clause: 'RFC 9110 §5.3',
    fields: [...base, ['CE-Type', 'direct']],
    refused: invalid('ce-type', /more than once/),
  },
  {
    name: 'two content types',
    clause: 'RFC 9110 §8.3',
    fields: [...base, ['content-type', 'text/plain'], ['content-type', 'application/json']],
    refused: invalid('content-type', /more than once/),
  },
  {
    name: 'a content type that is none',
    clause: 'Core §3.1.2 datacontenttype',
    fields: [...base, ['content-type', 'nonsense']],
    refused: invalid('datacontenttype', /media type/),
  },
  {
    name: 'every required attribute missing',
    clause: 'Core §3.1.1',
    fields: [['content-type', 'application/json']],
    body: '{}',
    refused: { ...invalid('', /is required/), fields: ['specversion', 'id', 'source', 'type'] },
  },
  {
    name: 'every problem at once',
    clause: 'Core §3.1',
    fields: [...binary('ce-id', ''), ['ce-time', 'noon'], ['ce-x-y', '1']],
    refused: { ...invalid('', /RFC 3339/), fields: ['id', 'time', 'x-y'] },
  },
  {
    name: 'a name of forty characters',
    clause: 'Core §3 naming (20 are advice)',
    fields: [...base, [`ce-${'a1'.repeat(20)}`, 'x']],
    taken: { ...required, extensions: { ['a1'.repeat(20)]: 'x' } },
  },
  {
    name: 'an extension that is empty',
    clause: 'Core §3.1 String',
    fields: [...base, ['ce-ext', '']],
    taken: { ...required, extensions: { ext: '' } },
  },
  {
    name: 'names that objects of JavaScript have',
    clause: 'Core §3 naming',
    fields: [...base, ['ce-constructor', 'c'], ['ce-tostring', 't'], ['ce-valueof', 'v']],
    taken: { ...required, extensions: { constructor: 'c', tostring: 't', valueof: 'v' } },
  },
  {
    name: 'a media type keeps its parameters and its case',
    clause: 'HTTP §3.1.1',
    fields: [...base, ['content-type', 'Text/Plain; Charset="iso-8859-1"']],
    body: Buffer.of(0xe9),
    taken: {
      ...required,
      datacontenttype: 'Text/Plain; Charset="iso-8859-1"',
      data: Buffer.of(0xe9),
    },
  },
  {
    name: 'data of any bytes',
    clause: 'HTTP §3.1.2',
    fields: [...base, ['content-type', 'application/octet-stream']],
    body: Buffer.from(Array.from({ length: 256 }, (_, byte) => byte)),
    taken: {
      ...required,
      datacontenttype: 'application/octet-stream',
      data: Buffer.from(Array.from({ length: 256 }, (_, byte) => byte)),
    },
  },
  {
    name: 'JSON data that is none stays what it is for who takes bytes',
    clause: 'HTTP §3.1.2',
    fields: [...base, ['content-type', 'application/json']],
    body: '{"a":',
    taken: { ...required, datacontenttype: 'application/json', data: '{"a":' },
  },
];

const time = (name: string, value: string): EventCase => ({
  name,
  clause: 'Core §3.1.2 time, RFC 3339 §5.6',
  fields: binary('ce-time', value),
  taken: { ...required, time: value },
});
const badTime = (name: string, value: string): EventCase =>
  bad(
    name,
    'Core §3.1.2 time, RFC 3339 §5.6',
    'ce-time',
    value,
    /must be an RFC 3339 date-time, found "/,
  );

/** Times: one that is none is refused, and never becomes another one. */
export const timeCases: readonly EventCase[] = [
  time('a time in UTC', '2018-04-05T17:31:00Z'),
  time('nanoseconds', '2018-04-05T17:31:00.123456789Z'),
  time('an offset', '1937-01-01T12:00:27.87+00:20'),
  time('small letters', '2018-04-05t17:31:00z'),
  time('a leap second', '1990-12-31T23:59:60Z'),
  time('a leap second elsewhere', '1990-12-31T15:59:60-08:00'),
  time('a leap day', '2024-02-29T00:00:00Z'),
  badTime('a word', 'lunchtime'),
  badTime('no seconds', '2018-04-05T18:31Z'),
  badTime('no offset', '2018-04-05T18:31:00'),
  badTime('an offset in words', '2018-04-05T18:31:00X'),
  badTime('an offset of hours', '2018-04-05T18:31:00+05'),
  badTime('an offset of too many hours', '2018-04-05T18:31:00+25:00'),
  badTime('a leap second in the middle of a day', '1990-12-31T12:00:60Z'),
  badTime('a day that there is not', '2023-02-29T00:00:00Z'),
  badTime('seconds since 1970', '1522949460'),
  badTime('a blank for the T', '2018-04-05 17:31:00Z'),
  badTime('an empty time', ''),
];

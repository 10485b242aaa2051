import { invalid, required, type EventCase, type Taken } from './cloud-event-cases.ts';

const fields = [['content-type', 'application/cloudevents+json']] as const;

/** An event in JSON: the four attributes, then what comes here as text. */
const withMembers = (members: string): string =>
  `{"specversion":"1.0","id":"1","source":"/s","type":"direct"${members === '' ? '' : `,${members}`}}`;

/** An event with more members, and how a handler gets it. */
export const taken = (name: string, clause: string, members: string, event: Taken): EventCase => ({
  name,
  clause,
  fields,
  body: withMembers(members),
  taken: { ...required, ...event },
});

/** An event with more members, one of which is bad. */
export const refused = (
  name: string,
  clause: string,
  members: string,
  field: string,
  says: RegExp,
): EventCase => ({
  name,
  clause,
  fields,
  body: withMembers(members),
  refused: invalid(field, says),
});

const noEvent = (name: string, clause: string, body: string | Buffer, says: RegExp): EventCase => ({
  name,
  clause,
  fields,
  body,
  refused: invalid('body', says),
});

/** The content type of data without one. */
export const json = 'application/json';
const extension = (members: string, value: string): readonly [string, Taken] => [
  members,
  { extensions: { ext: value } },
];

/** Attributes and members of an event in structured mode. */
export const structuredCases: readonly EventCase[] = [
  taken('four attributes', 'JSON §3', '', {}),
  taken('null for what is not there', 'JSON §2.2', '"subject":null,"time":null,"ext":null', {}),
  taken('an integer', 'JSON §2.2', ...extension('"ext":10', '10')),
  taken('the least integer', 'Core §3.1 Integer', ...extension('"ext":-2147483648', '-2147483648')),
  taken('the most integer', 'Core §3.1 Integer', ...extension('"ext":2147483647', '2147483647')),
  taken('minus zero is zero', 'Core §3.1 Integer', ...extension('"ext":-0', '0')),
  taken('true', 'Core §3.1 Boolean', ...extension('"ext":true', 'true')),
  taken('a text that looks like a Boolean', 'JSON §2.2', ...extension('"ext":"True"', 'True')),
  taken('a URI', 'JSON §2.2', ...extension('"ext":"https://a.b/c"', 'https://a.b/c')),
  taken('binary, as text', 'JSON §2.2', ...extension('"ext":"TWE="', 'TWE=')),
  taken(
    'an escape in a value',
    'RFC 8259 §7',
    ...extension(String.raw`"ext":"\u00e9\ud83d\ude00"`, 'é😀'),
  ),
  taken('an escape in a name', 'RFC 8259 §7', ...extension(String.raw`"\u0065xt":"a"`, 'a')),
  taken('a percent sign is no encoding here', 'JSON §2.2', ...extension('"ext":"%41"', '%41')),
  taken('a fragment as source', 'Core §3.1.1 source', '"subject":"x"', { subject: 'x' }),
  refused(
    'a number above 32 bits',
    'Core §3.1 Integer',
    '"ext":2147483648',
    'ext',
    /32-bit integer/,
  ),
  refused(
    'a number below 32 bits',
    'Core §3.1 Integer',
    '"ext":-2147483649',
    'ext',
    /32-bit integer/,
  ),
  refused('a fraction', 'JSON §2.2', '"ext":1.5', 'ext', /32-bit integer/),
  refused('an integer with a point', 'JSON §2.2', '"ext":1.0', 'ext', /32-bit integer/),
  refused('an integer with an exponent', 'JSON §2.2', '"ext":1e3', 'ext', /32-bit integer/),
  refused('an object', 'JSON §2.2', '"ext":{}', 'ext', /must be a string/),
  refused('a list', 'JSON §2.2', '"ext":["a"]', 'ext', /must be a string/),
  refused('a number for a subject', 'JSON §2.2', '"subject":5', 'subject', /must be a string/),
  refused('a Boolean for a time', 'JSON §2.2', '"time":true', 'time', /must be a string/),
  refused('a time that is none', 'Core §3.1.2 time', '"time":"lunchtime"', 'time', /RFC 3339/),
  refused('a capital in a name', 'Core §3 naming', '"MyExt":"a"', 'MyExt', /lower-case/),
  refused('a point in a name', 'Core §3 naming', '"my.ext":"a"', 'my.ext', /lower-case/),
  refused(
    'the name of a prototype',
    'Core §3 naming',
    '"__proto__":"a"',
    '__proto__',
    /lower-case/,
  ),
  refused(
    'half of a surrogate pair',
    'Core §3.1 String',
    String.raw`"ext":"\ud800"`,
    'ext',
    /lone surrogates/,
  ),
  refused(
    'a control character',
    'Core §3.1 String',
    String.raw`"ext":"a\u0000"`,
    'ext',
    /control characters/,
  ),
  refused('a name twice', 'RFC 8259 §4', '"ext":"a","ext":"b"', 'ext', /more than once/),
  refused(
    'a name twice by an escape',
    'RFC 8259 §4',
    String.raw`"ext":"a","\u0065xt":"b"`,
    'ext',
    /more than once/,
  ),
  refused(
    'a name twice, first null',
    'RFC 8259 §4',
    '"ext":null,"ext":"b"',
    'ext',
    /more than once/,
  ),
  refused(
    'an empty content type',
    'Core §3.1.2',
    '"datacontenttype":""',
    'datacontenttype',
    /media type/,
  ),
  refused(
    'a content type that is none',
    'Core §3.1.2',
    '"datacontenttype":"xyz"',
    'datacontenttype',
    /media type/,
  ),
  {
    name: 'headers of binary mode are not looked at',
    clause: 'HTTP §3.2.1',
    fields: [...fields, ['ce-id', 'other'], ['ce-time', 'noon']],
    body: withMembers(''),
    taken: required,
  },
  {
    name: 'a source that is a fragment',
    clause: 'Core §3.1.1 source',
    fields,
    body: '{"specversion":"1.0","id":"1","source":"#fragment","type":"direct"}',
    taken: { ...required, source: '#fragment' },
  },
  {
    name: 'required attributes that are null',
    clause: 'JSON §2.2',
    fields,
    body: '{"specversion":"1.0","id":null,"source":"/s","type":null}',
    refused: { ...invalid('', /is required/), fields: ['id', 'type'] },
  },
];

const deep = (levels: number): string => `${'['.repeat(levels)}${']'.repeat(levels)}`;

/** Bodies as JSON texts. */
export const textCases: readonly EventCase[] = [
  {
    name: 'a byte order mark',
    clause: 'RFC 8259 §8.1',
    fields,
    body: `\ufeff${withMembers('')}`,
    taken: required,
  },
  {
    name: 'white space around everything',
    clause: 'RFC 8259 §2',
    fields,
    body: ` \r\n\t${withMembers('"ext" : "a"').replaceAll('","', '"\n,\t"')} \n`,
    taken: { ...required, extensions: { ext: 'a' } },
  },
  taken('five hundred levels', 'RFC 8259 §9', `"data":${deep(500)}`, {
    datacontenttype: json,
    data: deep(500),
  }),
  noEvent(
    'six hundred levels',
    'RFC 8259 §9',
    withMembers(`"data":${deep(600)}`),
    /more than 512 levels at byte/,
  ),
  noEvent(
    'a hundred thousand levels',
    'RFC 8259 §9',
    withMembers(`"data":${'{"a":'.repeat(100_000)}`),
    /more than 512 levels/,
  ),
  noEvent(
    'levels that never close, and no event',
    'RFC 8259 §9',
    '['.repeat(200_000),
    /JSON object/,
  ),
  noEvent('an empty body', 'JSON §3', '', /JSON object/),
  noEvent('blanks', 'JSON §3', ' \n', /JSON object/),
  noEvent('a list', 'JSON §3', `[${withMembers('')}]`, /JSON object/),
  noEvent('a text', 'JSON §3', '"event"', /JSON object/),
  noEvent('an end too early', 'RFC 8259 §2', withMembers('').slice(0, -1), /end at byte \d+/),
  noEvent(
    'something behind the end',
    'RFC 8259 §2',
    `${withMembers('')}}`,
    /unexpected byte at 60/,
  ),
  noEvent('two events', 'RFC 8259 §2', withMembers('') + withMembers(''), /unexpected byte at 60/),
  noEvent(
    'a comma too many',
    'RFC 8259 §4',
    withMembers('').replace('}', ',}'),
    /unexpected byte at/,
  ),
  noEvent('a comment', 'RFC 8259 §2', `/* event */${withMembers('')}`, /JSON object/),
  noEvent(
    'single quotes',
    'RFC 8259 §7',
    withMembers('').replaceAll('"', "'"),
    /unexpected byte at 1/,
  ),
  noEvent('a number that is none', 'RFC 8259 §6', withMembers('"data":NaN'), /unexpected byte at/),
  noEvent('a zero in front', 'RFC 8259 §6', withMembers('"data":01'), /unexpected byte at/),
  noEvent(
    'a line break in a text',
    'RFC 8259 §7',
    withMembers('"ext":"a\nb"'),
    /unexpected byte at/,
  ),
  noEvent(
    'an unknown escape',
    'RFC 8259 §7',
    withMembers(String.raw`"ext":"\x41"`),
    /unexpected byte at/,
  ),
  noEvent('Latin-1', 'RFC 8259 §8.1', Buffer.from(withMembers('"ext":"é"'), 'latin1'), /not UTF-8/),
  noEvent(
    'UTF-16',
    'RFC 8259 §8.1',
    Buffer.from(`\ufeff${withMembers('')}`, 'utf16le'),
    /not UTF-8/,
  ),
];

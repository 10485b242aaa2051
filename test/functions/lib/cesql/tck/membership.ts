import type { TckCase } from './case.ts';

/** `like_expression.yaml`. */
export const like: readonly TckCase[] = [
  [`'abc' LIKE 'abc'`, true],
  [String.raw`'ab\c' LIKE 'ab\c'`, true],
  [`'abc' NOT LIKE 'abc'`, false],
  [`'abc' LIKE 'a%b%c'`, true],
  [`'azbc' LIKE 'a%b%c'`, true],
  [`'azzzbzzzc' LIKE 'a%b%c'`, true],
  [`'a%b%c' LIKE 'a%b%c'`, true],
  [`'ac' LIKE 'abc'`, false],
  [`'' LIKE 'abc'`, false],
  [`'.ab.cde.' LIKE '.%.%.'`, true],
  [`'ab.cde' LIKE '.%.%.'`, false],
  [`'abc' LIKE 'a_b_c'`, false],
  [`'a_b_c' LIKE 'a_b_c'`, true],
  [`'abzc' LIKE 'a_b_c'`, false],
  [`'azbc' LIKE 'a_b_c'`, false],
  [`'azbzc' LIKE 'a_b_c'`, true],
  [`'.a.b.' LIKE '._._.'`, true],
  [`'abcd.' LIKE '._._.'`, false],
  [String.raw`'a_b_c' LIKE 'a\_b\_c'`, true],
  [String.raw`'a_b_c' NOT LIKE 'a\_b\_c'`, false],
  [String.raw`'azbzc' LIKE 'a\_b\_c'`, false],
  [String.raw`'abc' LIKE 'a\_b\_c'`, false],
  [String.raw`'abc' LIKE 'a\%b\%c'`, false],
  [String.raw`'a%b%c' LIKE 'a\%b\%c'`, true],
  [String.raw`'azbzc' LIKE 'a\%b\%c'`, false],
  [String.raw`'abc' LIKE 'a\%b\%c'`, false],
  [String.raw`myext LIKE 'abc%123\%456\_d_f'`, true, '', { myext: 'abc123123%456_dzf' }],
  [String.raw`myext NOT LIKE 'abc%123\%456\_d_f'`, false, '', { myext: 'abc123123%456_dzf' }],
  [`234 LIKE '23_'`, true],
  [`2344 LIKE '23%'`, true],
  [`2344 LIKE '23_'`, false],
  [`TRUE LIKE 'tr%'`, true],
  [`TRUE LIKE '%ue'`, true],
  [`FALSE LIKE 'tr%'`, false],
  [`FALSE LIKE 'fal%'`, true],
  [`missing LIKE 'missing'`, false, 'missingAttribute'],
];

const here = { source: 'http://localhost/source', myext: 'http://localhost/source' };

/** `in_expression.yaml`. */
export const inSet: readonly TckCase[] = [
  ['123 IN (1, 2, 3, 12, 13, 23, 123)', true],
  ['123 NOT IN (1, 2, 3, 12, 13, 23, 123)', false],
  [`'abc' IN ('abc', "bcd")`, true],
  [`'aaa' IN ('abc', "bcd")`, false],
  ['TRUE IN (TRUE, FALSE)', true],
  ['TRUE IN (FALSE)', false],
  [`source IN (myext, 'abc')`, true, '', here],
  ['source IN (source)', true, '', here],
  [`source IN (id, "http://localhost/source")`, true, '', here],
  [`source IN (id, 'xyz')`, false, '', { source: here.source }],
  [`'true' IN (TRUE, 'false')`, true],
  [`'true' IN ('TRUE', 'false')`, false],
  [`TRUE IN ('true', 'false')`, true],
  [`'TRUE' IN (TRUE, 'false')`, false],
  [`1 IN ('1', '2')`, true],
  [`'1' IN (1, 2)`, true],
];

/** `exists_expression.yaml`. */
export const exists: readonly TckCase[] = [
  ['EXISTS specversion AND EXISTS id AND EXISTS type AND EXISTS SOURCE', true],
  ['EXISTS time', true, '', { time: '2018-04-26T14:48:09+02:00' }],
  ['EXISTS time', false],
  ['NOT EXISTS time', true],
  ['EXISTS myext', true, '', { myext: 'my value' }],
  ['EXISTS myext', false],
  ['NOT EXISTS myext', true],
];

const from = (id: string, type: string, source = ''): Record<string, string> => ({
  id,
  type,
  ...(source === '' ? {} : { source }),
});
const site = (id: string, end: string) => ({ id, source: `http://www.some-website.${end}` });
const prefixAndSuffix = `id LIKE 'my%' AND source LIKE '%.ca'`;
const prefixOrSuffix = `id LIKE 'my%' OR source LIKE '%.ca'`;
const disjunctive = `(id = 'myId' AND type LIKE '%.success') OR (id = 'notmyId' AND source LIKE 'http://%' AND type LIKE '%.warning')`;
const conjunctive = `(id = 'myId' OR type LIKE '%.success') AND (id = 'notmyId' OR source LIKE 'https://%' OR type LIKE '%.warning')`;
const secure = 'https://localhost.localdomain';
const plain = 'http://localhost.localdomain';

/** `subscriptions_api_recreations.yaml`. */
export const subscriptionsApi: readonly TckCase[] = [
  [`source LIKE 'https://%'`, true, '', { source: 'https://example.com' }],
  [`source LIKE 'https://%'`, false, '', { source: 'http://example.com' }],
  [`myext LIKE 'custom%'`, true, '', { myext: 'customext' }],
  [`myext LIKE 'custom%'`, false, 'missingAttribute'],
  [`type like '%.error'`, true, '', { type: 'com.github.error' }],
  [`type like '%.error'`, false, '', { type: 'com.github.success' }],
  [`myext LIKE '%ext'`, true, '', { myext: 'customext' }],
  [`myext LIKE '%ext'`, false, 'missingAttribute'],
  [`id = 'myId'`, true, '', { id: 'myId' }],
  [`id = 'myId'`, false, '', { id: 'notmyId' }],
  [`myext = 'customext'`, true, '', { myext: 'customext' }],
  [`myext = 'customext'`, false, 'missingAttribute'],
  [prefixAndSuffix, true, '', site('myId', 'ca')],
  [prefixAndSuffix, false, '', site('myId', 'com')],
  [
    `myext LIKE 'custom%' AND type LIKE '%.error'`,
    true,
    '',
    { myext: 'customext', type: 'com.github.error' },
  ],
  [
    `type LIKE 'example.%' AND myext LIKE 'custom%'`,
    false,
    'missingAttribute',
    { type: 'example.event.type' },
  ],
  [prefixOrSuffix, true, '', site('myId', 'ca')],
  [prefixOrSuffix, true, '', site('myId', 'com')],
  [prefixOrSuffix, true, '', site('notmyId', 'ca')],
  [prefixOrSuffix, false, '', site('notmyId', 'com')],
  [`id LIKE 'my%' OR myext LIKE '%ext'`, false, 'missingAttribute', site('notmyId', 'com')],
  [disjunctive, true, '', from('myId', 'example.event.success')],
  [disjunctive, true, '', from('notmyId', 'example.event.warning', plain)],
  [disjunctive, false, '', from('notmyId', 'example.event.warning', secure)],
  [
    `${disjunctive} OR (myext = 'cusomext')`,
    false,
    'missingAttribute',
    from('notmyId', 'example.event.warning', secure),
  ],
  [conjunctive, true, '', from('myId', 'example.event.warning', plain)],
  [conjunctive, true, '', from('notmyId', 'example.event.success', plain)],
  [conjunctive, false, '', from('notmyId', 'example.event.warning', plain)],
  [conjunctive, false, '', from('myId', 'example.event.success', plain)],
  [
    `${conjunctive} AND (myext = 'customext')`,
    false,
    'missingAttribute',
    from('myId', 'example.event.warning', plain),
  ],
];

import fc from 'fast-check';
import type { Field } from './raw-request.ts';

/** One field of an event broken: as a header of binary mode, as a member of the JSON form, or in both. */
export interface Breakage {
  /** What an answer in binary mode names. */
  readonly field: string;
  readonly header?: Field;
  readonly member?: readonly [name: string, value: unknown];
}

const control = fc
  .tuple(
    fc.string(),
    fc.constantFrom('\0', '\u0007', '\n', '\u007f', '\u0085', '\uffff', '\u{1fffe}'),
  )
  .map(([text, character]) => `${text}${character}`);
const noText = fc.oneof(
  fc.integer(),
  fc.double({ noNaN: true, noDefaultInfinity: true }),
  fc.boolean(),
  fc.array(fc.string()),
  fc.dictionary(fc.string(), fc.string(), { noNullPrototype: true }),
);
/** Percent-encoding whose bytes are no UTF-8, or no bytes at all. */
const noUtf8 = fc.constantFrom(
  '%',
  '%4',
  '%zz',
  '%ff',
  '%C0%A0',
  '%ED%A0%80',
  '%F5%80%80%80',
  'a%e2%82',
);

/** A text that is bad in both forms. */
const both = (field: string, value: fc.Arbitrary<string>): fc.Arbitrary<Breakage> =>
  value.map((text) => ({
    field,
    header: [
      field === 'datacontenttype' ? 'content-type' : `ce-${field}`,
      field === 'datacontenttype' ? text : encodeURIComponent(text),
    ],
    member: [field, text],
  }));

const member = (field: string, value: fc.Arbitrary<unknown>): fc.Arbitrary<Breakage> =>
  value.map((bad) => ({ field, member: [field, bad] }));

const header = (field: string, value: fc.Arbitrary<string>): fc.Arbitrary<Breakage> =>
  value.map((bad) => ({ field, header: [`ce-${field}`, bad] }));

const text = (field: string): fc.Arbitrary<Breakage> =>
  fc.oneof(
    both(field, fc.oneof(fc.constant(''), control)),
    header(field, noUtf8),
    member(field, noText),
  );

const noUri = fc
  .tuple(fc.webPath(), fc.constantFrom(' ', '<', '"', '^', '`', '{', '\\', '%', '%4z', 'é'))
  .map(([path, bad]) => `${path}${bad}`);
const noTime = fc.oneof(
  fc.string(),
  fc.date({ noInvalidDate: true }).map((at) => at.toUTCString()),
  fc
    .date({ min: new Date(0), max: new Date('9999-12-31'), noInvalidDate: true })
    .map((at) => at.toISOString().replace('Z', '')),
  fc.constantFrom(
    '2023-02-29T00:00:00Z',
    '2024-13-01T00:00:00Z',
    '2024-01-01T24:00:00Z',
    '2024-01-01T00:60:00Z',
    '2024-01-01T12:00:60Z',
    '2024-01-01T00:00:00+24:00',
    '2024-01-01',
  ),
);

/** By the field that they break. */
export const breakages: Readonly<Record<string, fc.Arbitrary<Breakage>>> = {
  specversion: fc.oneof(
    both(
      'specversion',
      fc.string({ unit: 'grapheme' }).filter((version) => version !== '1.0'),
    ),
    member('specversion', noText),
  ),
  id: text('id'),
  source: fc.oneof(text('source'), both('source', noUri)),
  type: text('type'),
  subject: text('subject'),
  time: fc.oneof(both('time', noTime), header('time', noUtf8), member('time', noText)),
  dataschema: fc.oneof(
    both('dataschema', fc.oneof(fc.webPath(), fc.constant(''), noUri)),
    member('dataschema', noText),
  ),
  datacontenttype: fc.oneof(
    both(
      'datacontenttype',
      fc.constantFrom('x', 'a/', '/b', 'a b/c', 'a/b; c', 'a/b; c="d', 'a//b', 'a/b,c/d'),
    ),
    member('datacontenttype', noText),
  ),
  'an extension': fc.oneof(
    both('brokenext', control),
    header('brokenext', noUtf8),
    member(
      'brokenext',
      fc.oneof(fc.constantFrom(2 ** 31, -(2 ** 31) - 1, 1e300, 0.5), fc.array(fc.string())),
    ),
  ),
  'a name': fc.oneof(
    fc
      .constantFrom('a-b', 'a_b', 'a.b', 'data')
      .map((name): Breakage => ({ field: name, header: [`ce-${name}`, 'x'] })),
    fc
      .constantFrom('Ab', 'a b', 'a-b', 'é', '', '__proto__x')
      .map((name): Breakage => ({ field: name, member: [name, 'x'] })),
  ),
  data_base64: member(
    'data_base64',
    fc.oneof(noText, fc.constantFrom('A', 'AA', 'AA=', 'A===', '*', 'AA==\n', '_-79')),
  ),
};

import type { TckCase } from './case.ts';

/** `literals.yaml`. */
export const literals: readonly TckCase[] = [
  ['TRUE', true],
  ['FALSE', false],
  ['0', 0],
  ['1', 1],
  [`'abc'`, 'abc'],
  ['"abc"', 'abc'],
  [`'aBc'`, 'aBc'],
  ['"AbC"', 'AbC'],
  [String.raw`'a"b\'c'`, `a"b'c`],
  [String.raw`"a'b\"c"`, `a'b"c`],
];

/** `case_sensitivity.yaml`. */
export const caseSensitivity: readonly TckCase[] = [
  ['TRUE', true],
  ['true', true],
  ['tRuE', true],
  ['FALSE', false],
  ['false', false],
  ['FaLsE', false],
  [`'aBcD'`, 'aBcD'],
];

/** `context_attributes_access.yaml`. */
export const attributes: readonly TckCase[] = [
  ['id', 'myId', '', { id: 'myId' }],
  ['subject', 'mySubject', '', { subject: 'mySubject' }],
  ['subject', false, 'missingAttribute'],
  ['mybool', true, '', { mybool: true }],
  ['myint', 10, '', { myint: 10 }],
  ['myext', 'my extension', '', { myext: 'my extension' }],
  ['source', 'http://localhost/source', '', { source: 'http://localhost/source' }],
  ['time', '2018-04-26T14:48:09+02:00', '', { time: '2018-04-26T14:48:09+02:00' }],
];

const names = { firstname: 'Francesco', lastname: 'Guardiani' };
const both = `firstname = 'Francesco' OR subject = 'Francesco'`;
const whole = `(firstname = 'Francesco' AND lastname = 'Guardiani') OR subject = 'Francesco Guardiani'`;

/** `spec_examples.yaml`. */
export const examples: readonly TckCase[] = [
  ['int(hop) < int(ttl) and int(hop) < 1000', true, '', { hop: '5', ttl: '10' }],
  ['INT(hop) < INT(ttl) AND INT(hop) < 1000', true, '', { hop: '5', ttl: '10' }],
  ['hop < ttl', true, '', { hop: '5', ttl: '10' }],
  ['sequence = 5', true, '', { sequence: '5' }],
  ['sequence = 5', false, '', { sequence: '6' }],
  [both, true, '', { subject: 'Francesco', firstname: 'Doug' }],
  [both, true, '', { firstname: 'Francesco', subject: 'Doug' }],
  [whole, true, '', { ...names, subject: 'Doug' }],
  [whole, true, '', { subject: 'Francesco Guardiani', firstname: 'Doug', lastname: 'Davis' }],
  ['EXISTS subject', true, '', { subject: 'Francesco Guardiani' }],
  ['true AND (missing = "")', false, 'missingAttribute'],
  ['missing * 5', 0, 'missingAttribute'],
  ['1 / missing', 0, 'missingAttribute'],
];

/** `parse_errors.yaml`, and the one in the Go SDK's `like_expression.yaml`. */
export const parseErrors: readonly string[] = ['ABC(', 'x LIKE 123'];

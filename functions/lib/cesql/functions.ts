import { isInteger, toBoolean, toInteger } from './cast.ts';
import { failed, type Evaluation, type Value, type ValueType } from './expression.ts';
import { maxText } from './work.ts';

/** A function of the language; names may have several, told apart by their number of arguments. */
export interface CesqlFunction {
  /** In upper case. */
  readonly name: string;
  readonly parameters: readonly (ValueType | 'Any')[];
  /** Type of any further arguments; without it there are none. */
  readonly rest?: ValueType | 'Any';
  readonly returns: ValueType;
  /** The arguments come with the types of the parameters. It has no effects, and makes no more than a few times its arguments. */
  readonly call: (values: readonly Value[]) => Evaluation;
}

/** The function for a call, a fixed number of arguments before a variable one. */
export function findFunction(
  functions: readonly CesqlFunction[],
  name: string,
  count: number,
): CesqlFunction | undefined {
  const named = functions.filter((candidate) => candidate.name === name);
  return (
    named.find(({ parameters, rest }) => rest === undefined && parameters.length === count) ??
    named.find(({ parameters, rest }) => rest !== undefined && parameters.length <= count)
  );
}

/** The functions that the specification names, and the casts that its conformance tests use. */
export const builtinFunctions: readonly CesqlFunction[] = [
  ofText('LENGTH', 'Integer', (x) => ({ value: Array.from(x).length })),
  ofText('LOWER', 'String', (x) => ({ value: x.toLowerCase() })),
  ofText('UPPER', 'String', (x) => ({ value: x.toUpperCase() })),
  ofText('TRIM', 'String', (x) => ({ value: trim(x) })),
  {
    name: 'CONCAT',
    parameters: [],
    rest: 'String',
    returns: 'String',
    call: (values) => joined('CONCAT', values, ''),
  },
  {
    name: 'CONCAT_WS',
    parameters: ['String'],
    rest: 'String',
    returns: 'String',
    call: ([delimiter, ...values]) => joined('CONCAT_WS', values, String(delimiter)),
  },
  {
    name: 'LEFT',
    parameters: ['String', 'Integer'],
    returns: 'String',
    call: ([x, y]) =>
      side('LEFT', String(x), Number(y), (characters, count) => characters.slice(0, count)),
  },
  {
    name: 'RIGHT',
    parameters: ['String', 'Integer'],
    returns: 'String',
    call: ([x, y]) =>
      side('RIGHT', String(x), Number(y), (characters, count) =>
        characters.slice(Math.max(0, characters.length - count)),
      ),
  },
  {
    name: 'SUBSTRING',
    parameters: ['String', 'Integer'],
    returns: 'String',
    call: ([x, start]) => substring(String(x), Number(start), Number.POSITIVE_INFINITY),
  },
  {
    name: 'SUBSTRING',
    parameters: ['String', 'Integer', 'Integer'],
    returns: 'String',
    call: ([x, start, count]) => substring(String(x), Number(start), Number(count)),
  },
  { name: 'ABS', parameters: ['Integer'], returns: 'Integer', call: ([x]) => abs(Number(x)) },
  caster('INT', 'Integer'),
  caster('BOOL', 'Boolean'),
  caster('STRING', 'String'),
  ofAny('IS_INT', (x) => toInteger(x).ok),
  ofAny('IS_BOOL', (x) => toBoolean(x).ok),
];

function ofText(name: string, returns: ValueType, call: (x: string) => Evaluation): CesqlFunction {
  return { name, parameters: ['String'], returns, call: ([x]) => call(String(x)) };
}

function ofAny(name: string, test: (x: Value) => boolean): CesqlFunction {
  return {
    name,
    parameters: ['Any'],
    returns: 'Boolean',
    call: ([x = '']) => ({ value: test(x) }),
  };
}

/** The length is known before the text is made. */
function joined(name: string, values: readonly Value[], delimiter: string): Evaluation {
  const texts = values.map(String);
  const between = delimiter.length * Math.max(0, texts.length - 1);
  const length = texts.reduce((sum, text) => sum + text.length, between);
  return length > maxText ? tooLong(name, length) : { value: texts.join(delimiter) };
}

/** What a function gives instead of a text above `maxText`. */
export function tooLong(name: string, length: number): Evaluation {
  return failed(
    '',
    'limit',
    `${name}: a text of ${length} characters, at most ${maxText} are allowed`,
  );
}

/** The cast happens on the way in: the parameter has the type. */
function caster(name: string, type: ValueType): CesqlFunction {
  return { name, parameters: [type], returns: type, call: ([x = '']) => ({ value: x }) };
}

const blank = (character: string): boolean => /^\p{White_Space}$/u.test(character);

/** Not `String.trim`: that takes U+FEFF, which is no white space in Unicode, and leaves U+0085. */
function trim(text: string): string {
  const characters = Array.from(text);
  const first = characters.findIndex((character) => !blank(character));
  const last = characters.findLastIndex((character) => !blank(character));
  return first === -1 ? '' : characters.slice(first, last + 1).join('');
}

function side(
  name: string,
  text: string,
  count: number,
  cut: (characters: readonly string[], count: number) => readonly string[],
): Evaluation {
  if (count < 0) return failed(text, 'functionEvaluation', `${name}: ${count} is below 0`);
  return { value: cut(Array.from(text), count).join('') };
}

function substring(text: string, start: number, count: number): Evaluation {
  const characters = Array.from(text);
  if (Math.abs(start) > characters.length) {
    const message = `SUBSTRING: ${start} lies outside of ${characters.length} characters`;
    return failed('', 'functionEvaluation', message);
  }
  if (count < 0) return failed('', 'functionEvaluation', `SUBSTRING: length ${count} is below 0`);
  if (start === 0) return { value: '' };
  const from = start > 0 ? start - 1 : characters.length + start;
  return { value: characters.slice(from, from + count).join('') };
}

function abs(x: number): Evaluation {
  const value = Math.abs(x);
  return isInteger(value) ? { value } : failed(2 ** 31 - 1, 'math', `ABS(${x}) has no 32 bits`);
}

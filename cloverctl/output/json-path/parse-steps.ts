import { pathError, type FilterOperator, type PathNode, type PathNodes } from './nodes.ts';
import { readQuoted, readQuotedRaw } from './quoted.ts';

/** Steps, and the character behind them. */
export interface Steps {
  readonly nodes: PathNodes;
  readonly next: number;
}

/** Where steps stand: in a filter, operators and `)` end them; a path alone may begin with a bare name. */
type Place = 'action' | 'filter' | 'path';

const deepestFilter = 32;
const fieldEnd = /[.,[\]$@{}\s]/;
const fieldEnds = { action: fieldEnd, filter: /[.,[\]$@{}\s!<>=)]/, path: fieldEnd } as const;
const stepsEnds = { action: /[}]/, filter: /[!<>=)]/, path: /[}]/ } as const;
const operators: readonly string[] = ['!=', '<', '<=', '==', '>', '>='] satisfies FilterOperator[];

/** The first character from `at` on that is no white space. */
export function skipSpaces(template: string, at: number): number {
  let next = at;
  while (/\s/.test(template[next] ?? '')) next++;
  return next;
}

/** The word of letters, digits and `_` that begins there; empty where none does. */
export function wordAt(template: string, at: number): string {
  const word = /[\p{L}_][\p{L}\p{N}_]*/uy;
  word.lastIndex = at;
  return word.exec(template)?.[0] ?? '';
}

/**
 * Reads steps until what ends them, or the end of the template.
 * @throws CloverError CLV_ARGUMENT_INVALID with the place.
 */
export function readSteps(template: string, from: number, place: Place, depth = 0): Steps {
  const nodes: PathNode[] = [];
  let at = from;
  if (place === 'path' && wordAt(template, from) !== '')
    at = readField(template, from, place, nodes);
  while (at < template.length && !stepsEnds[place].test(template[at] ?? '')) {
    at = readStep(template, at, place, depth, nodes);
  }
  return { nodes, next: at };
}

/** Reads one step into `nodes`; returns the place behind it. */
function readStep(
  template: string,
  at: number,
  place: Place,
  depth: number,
  nodes: PathNode[],
): number {
  const character = template[at] ?? '';
  if (/[\s$@]/.test(character)) return at + 1;
  if (character === '"' || character === "'") {
    const { text, end } = readQuoted(template, at);
    nodes.push({ kind: 'literal', value: text });
    return end;
  }
  if (character === '[') return readBrackets(template, at, depth, nodes);
  if (template.startsWith('..', at)) {
    if (nodes.at(-1)?.kind === 'recursive')
      throw pathError(at, 'found .. twice, one after the other');
    nodes.push({ kind: 'recursive' });
    const next = template[at + 2];
    return next !== undefined && !fieldEnds[place].test(next)
      ? readField(template, at + 2, place, nodes)
      : at + 2;
  }
  if (character === '.') return readField(template, at + 1, place, nodes);
  if (/[-+\d]/.test(character)) return readNumber(template, at, nodes);
  return readWord(template, at, nodes);
}

function readField(template: string, at: number, place: Place, nodes: PathNode[]): number {
  let name = '';
  let next = at;
  while (next < template.length && !fieldEnds[place].test(template[next] ?? '')) {
    if (template[next] === '\\') next++;
    name += template[next++] ?? '';
  }
  if (name === '') {
    const found = template[at] === undefined ? 'the end' : JSON.stringify(template[at]);
    throw pathError(at, `found ${found} behind the dot; expected a name, or * for every field`);
  }
  nodes.push(template.slice(at, next) === '*' ? { kind: 'wildcard' } : { kind: 'field', name });
  return next;
}

function readNumber(template: string, at: number, nodes: PathNode[]): number {
  const [text = ''] = /^[-+\d.]+/.exec(template.slice(at, at + 64)) ?? [];
  if (!/^[-+]?\d+(?:\.\d*)?$/.test(text)) throw pathError(at, `found ${text}, which is no number`);
  nodes.push({ kind: 'literal', value: Number(text) });
  return at + text.length;
}

function readWord(template: string, at: number, nodes: PathNode[]): number {
  const word = wordAt(template, at);
  if (word === 'true' || word === 'false') {
    nodes.push({ kind: 'literal', value: word === 'true' });
    return at + word.length;
  }
  if (word === 'range' || word === 'end') {
    throw pathError(at, `found ${word}, which stands only at the beginning of its braces`);
  }
  if (word !== '') {
    throw pathError(at, `found the word ${word}; did you mean .${word}, or "${word}" as a text?`);
  }
  const found = JSON.stringify(String.fromCodePoint(template.codePointAt(at) ?? 0));
  throw pathError(at, `found ${found}; expected .name, [index], ['key'], [?(filter)] or "text"`);
}

function readBrackets(template: string, at: number, depth: number, nodes: PathNode[]): number {
  if (template.startsWith('[?(', at)) return readFilter(template, at, depth, nodes);
  const branches: PathNodes[] = [];
  let next = at + 1;
  while (template[next - 1] !== ']') {
    next = skipSpaces(template, next);
    const { node, end } = readElement(template, next);
    branches.push([node]);
    next = skipSpaces(template, end);
    if (next >= template.length) throw pathError(at, 'found [ without the ] that ends it');
    if (!/[\],]/.test(template[next] ?? '')) throw noElement(template, next);
    next++;
  }
  const [only = []] = branches;
  nodes.push(...(branches.length === 1 ? only : [{ kind: 'union', branches } as const]));
  return next;
}

function readElement(
  template: string,
  at: number,
): { readonly node: PathNode; readonly end: number } {
  const character = template[at] ?? '';
  if (character === '"' || character === "'") {
    const { text, end } = readQuotedRaw(template, at);
    return { node: keyOf(text), end };
  }
  if (character === '*') return { node: { kind: 'slice', at }, end: at + 1 };
  const slice = /^(-?\d+)?(?:(:)(-?\d+)?)?(?:(:)(-?\d+)?)?/.exec(template.slice(at, at + 96));
  const [text = '', start, colon, end, , step] = slice ?? [];
  if (text === '') throw noElement(template, at);
  for (const number of [start, end, step]) {
    if (number !== undefined && !Number.isSafeInteger(Number(number))) {
      throw pathError(at, `found ${number}, which is too large for an index`);
    }
  }
  const index = Number(start);
  if (colon === undefined) return { node: { kind: 'index', at, index }, end: at + text.length };
  if (step !== undefined && Number(step) <= 0) {
    throw pathError(at, `found the step ${step}; must be at least 1`);
  }
  const node: PathNode = {
    kind: 'slice',
    at,
    ...(start === undefined ? {} : { start: index }),
    ...(end === undefined ? {} : { end: Number(end) }),
    ...(step === undefined ? {} : { step: Number(step) }),
  };
  return { node, end: at + text.length };
}

const plain = (text: string): string => text.replaceAll(/\\(.)/gsu, '$1');

/** A key in quotes: with dots that are not escaped it may be a path, too. */
function keyOf(raw: string): PathNode {
  const parts = raw.match(/(?:\\.|[^.\\])+/gsu) ?? [''];
  const name = plain(raw);
  return parts.length > 1
    ? { kind: 'field', name, path: parts.map(plain) }
    : { kind: 'field', name };
}

function noElement(template: string, at: number): Error {
  const found = template[at] === undefined ? 'the end' : JSON.stringify(template[at]);
  return pathError(at, `found ${found}; expected an index, start:end:step, * or a key in quotes`);
}

function readFilter(template: string, at: number, depth: number, nodes: PathNode[]): number {
  if (depth === deepestFilter) {
    throw pathError(at, `found more than ${deepestFilter} filters in each other`);
  }
  const { nodes: left, next } = readSteps(template, at + 3, 'filter', depth + 1);
  const [operator = ''] = /^[!<>=]+[~]?/.exec(template.slice(next, next + 8)) ?? [];
  if (operator === '') {
    nodes.push({ kind: 'filter', at, left });
    return filterEnd(template, at, next);
  }
  const known = operators.find((each): each is FilterOperator => each === operator);
  if (known === undefined) {
    throw pathError(next, `found the operator ${operator}; allowed: ${operators.join(', ')}`);
  }
  const { nodes: right, next: end } = readSteps(
    template,
    next + operator.length,
    'filter',
    depth + 1,
  );
  nodes.push({ kind: 'compare', at, left, operator: known, right });
  return filterEnd(template, at, end);
}

function filterEnd(template: string, at: number, next: number): number {
  if (template.startsWith(')]', next)) return next + 2;
  throw pathError(at, 'found [?( without the )] that ends it');
}

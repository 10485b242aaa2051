import { CloverError } from '../errors.ts';

/** A word is a keyword, an attribute or a function; only the parser knows which. */
export interface Token {
  readonly kind: 'integer' | 'string' | 'word' | 'symbol' | 'end';
  /** As written; of a string its value. */
  readonly text: string;
  /** Offsets in UTF-16 code units. */
  readonly start: number;
  readonly end: number;
}

/** Longest expression, in UTF-16 code units. */
export const maxLength = 8_192;

/** Most tokens of an expression. It bounds the depth of the tree too. */
export const maxTokens = 1_000;

const symbols = ['!=', '<>', '<=', '>=', '=', '<', '>', '+', '-', '*', '/', '%', '(', ')', ','];
const space = /[ \t\r\n]*/y;
const word = /[A-Za-z0-9_]+/y;

/**
 * Splits an expression; the last token is its end.
 * @throws CloverError CLV_FILTER_INVALID.
 */
export function tokensOf(text: string): readonly Token[] {
  if (text.length > maxLength) {
    throw new CloverError(
      'CLV_FILTER_INVALID',
      `CESQL: found ${text.length} characters, expected at most ${maxLength}`,
    );
  }
  const tokens: Token[] = [];
  let at = skip(space, text, 0);
  while (at < text.length) {
    if (tokens.length === maxTokens) invalid(at, 'more', `at most ${maxTokens} tokens`);
    const token = tokenAt(text, at);
    tokens.push(token);
    at = skip(space, text, token.end);
  }
  return [...tokens, { kind: 'end', text: '', start: at, end: at }];
}

/**
 * Refuses an expression.
 * @param at offset of what was found.
 * @throws CloverError CLV_FILTER_INVALID, always.
 */
export function invalid(at: number, found: string, expected: string): never {
  throw new CloverError(
    'CLV_FILTER_INVALID',
    `CESQL: at character ${at + 1}: found ${found}, expected ${expected}`,
  );
}

function tokenAt(text: string, start: number): Token {
  const end = skip(word, text, start);
  if (end > start) {
    const found = text.slice(start, end);
    return { kind: /^\d+$/.test(found) ? 'integer' : 'word', text: found, start, end };
  }
  const first = text[start] ?? '';
  if (first === "'" || first === '"') return stringAt(text, start, first);
  const symbol = symbols.find((candidate) => text.startsWith(candidate, start));
  if (symbol !== undefined) {
    return { kind: 'symbol', text: symbol, start, end: start + symbol.length };
  }
  const character = String.fromCodePoint(text.codePointAt(start) ?? 0);
  return invalid(start, JSON.stringify(character), 'a word, a number, a string or an operator');
}

/**
 * A backslash escapes the delimiter only; before another character it stands for itself and takes
 * that character with it, so that LIKE's own escapes come through.
 */
function stringAt(text: string, start: number, delimiter: string): Token {
  let value = '';
  let at = start + 1;
  while (at < text.length && text[at] !== delimiter) {
    const pair = text[at] === '\\' && at + 1 < text.length ? text.slice(at, at + 2) : undefined;
    value += pair === `\\${delimiter}` ? delimiter : (pair ?? text[at]);
    at += pair?.length ?? 1;
  }
  if (at >= text.length) invalid(start, 'a string without end', `a closing ${delimiter}`);
  return { kind: 'string', text: value, start, end: at + 1 };
}

function skip(pattern: RegExp, text: string, at: number): number {
  pattern.lastIndex = at;
  return at + (pattern.exec(text)?.[0].length ?? 0);
}

import type { BinaryOperator, Expression } from './expression.ts';
import { invalid, tokensOf, type Token } from './lexer.ts';
import { compileLike } from './like.ts';

/** How tightly the operators bind; what stands before its operand (NOT, -) binds tightest. */
const power = { logic: 1, comparison: 2, sum: 3, product: 4, membership: 5 } as const;

const binaryOperators: ReadonlyMap<string, { readonly operator: BinaryOperator; power: number }> =
  new Map([
    ['AND', { operator: 'AND', power: power.logic }],
    ['OR', { operator: 'OR', power: power.logic }],
    ['XOR', { operator: 'XOR', power: power.logic }],
    ['=', { operator: '=', power: power.comparison }],
    ['!=', { operator: '!=', power: power.comparison }],
    ['<>', { operator: '!=', power: power.comparison }],
    ['<', { operator: '<', power: power.comparison }],
    ['<=', { operator: '<=', power: power.comparison }],
    ['>', { operator: '>', power: power.comparison }],
    ['>=', { operator: '>=', power: power.comparison }],
    ['+', { operator: '+', power: power.sum }],
    ['-', { operator: '-', power: power.sum }],
    ['*', { operator: '*', power: power.product }],
    ['/', { operator: '/', power: power.product }],
    ['%', { operator: '%', power: power.product }],
  ]);

const keywords = new Set(['AND', 'OR', 'XOR', 'NOT', 'LIKE', 'IN', 'EXISTS', 'TRUE', 'FALSE']);
const operand = 'a literal, an attribute, a function, NOT, "-", EXISTS or "("';

/**
 * Parses an expression of the CloudEvents SQL Expression Language 1.0.
 *
 * From tight to loose: NOT and unary -; LIKE and IN; `* / %`; `+ -`; comparisons; AND, OR and XOR
 * alike. AND, OR and XOR group from the right (`a AND b OR c` is `a AND (b OR c)`), all others
 * from the left, as in the grammar that the specification's SDKs share.
 * @throws CloverError CLV_FILTER_INVALID that says where, what was found and what is expected.
 */
export function parseCesql(text: string): Expression {
  const parser = new Parser(tokensOf(text));
  const expression = parser.expression(power.logic);
  parser.end();
  return expression;
}

class Parser {
  readonly #tokens: readonly Token[];
  #next = 0;

  constructor(tokens: readonly Token[]) {
    this.#tokens = tokens;
  }

  expression(least: number): Expression {
    let left = this.#prefix();
    for (;;) {
      const joined = this.#membership(left, least) ?? this.#binary(left, least);
      if (joined === undefined) return left;
      left = joined;
    }
  }

  end(): void {
    if (this.#peek().kind !== 'end') this.#refuse('an operator or the end of the expression');
  }

  #binary(left: Expression, least: number): Expression | undefined {
    const found = binaryOperators.get(this.#sign());
    if (found === undefined || found.power < least) return undefined;
    this.#take();
    const right = this.expression(found.power === power.logic ? found.power : found.power + 1);
    return { kind: 'binary', operator: found.operator, left, right };
  }

  #membership(left: Expression, least: number): Expression | undefined {
    if (least > power.membership) return undefined;
    const negated = this.#sign() === 'NOT';
    if (!negated && this.#sign() !== 'LIKE' && this.#sign() !== 'IN') return undefined;
    if (negated) this.#take();
    const test = this.#sign() === 'LIKE' ? this.#like(left) : this.#in(left);
    return negated ? { kind: 'not', operand: test } : test;
  }

  #like(left: Expression): Expression {
    this.#take();
    const token = this.#peek();
    if (token.kind !== 'string') this.#refuse('a pattern in quotes');
    this.#take();
    return { kind: 'like', operand: left, pattern: compileLike(token.text) };
  }

  #in(left: Expression): Expression {
    this.#expect('IN', 'LIKE or IN');
    this.#expect('(', '"(" and the elements of the set');
    return { kind: 'in', operand: left, set: this.#list() };
  }

  /** Expressions up to and with the closing parenthesis; at least one. */
  #list(): readonly Expression[] {
    const list = [this.expression(power.logic)];
    while (this.#sign() === ',') {
      this.#take();
      list.push(this.expression(power.logic));
    }
    this.#expect(')', '"," or ")"');
    return list;
  }

  #prefix(): Expression {
    const token = this.#peek();
    switch (this.#sign()) {
      case 'NOT':
        this.#take();
        return { kind: 'not', operand: this.#prefix() };
      case '-':
      case '+':
        return this.#signed(token);
      case 'EXISTS':
        this.#take();
        return { kind: 'exists', name: this.#name('the name of an attribute') };
      case '(': {
        this.#take();
        const inner = this.expression(power.logic);
        this.#expect(')', 'an operator or ")"');
        return inner;
      }
      case 'TRUE':
      case 'FALSE':
        return { kind: 'literal', value: this.#take().text.toUpperCase() === 'TRUE' };
    }
    if (token.kind === 'string') return { kind: 'literal', value: this.#take().text };
    if (token.kind === 'integer') return this.#integer('');
    return this.#tokens[this.#next + 1]?.text === '(' && token.kind === 'word'
      ? this.#call()
      : { kind: 'attribute', name: this.#name(operand) };
  }

  /** A sign that touches a number belongs to it: -2147483648 is a literal, its positive is none. */
  #signed(sign: Token): Expression {
    const next = this.#tokens[this.#next + 1];
    if (next?.kind === 'integer' && next.start === sign.end) {
      this.#take();
      return this.#integer(sign.text);
    }
    if (sign.text === '+') this.#refuse(operand);
    this.#take();
    return { kind: 'negate', operand: this.#prefix() };
  }

  #integer(sign: string): Expression {
    const token = this.#take();
    const value = Number(`${sign}${token.text}`);
    if (value !== Math.trunc(value) || value < -(2 ** 31) || value >= 2 ** 31) {
      invalid(token.start, `${sign}${shorten(token.text)}`, 'an integer of 32 bits');
    }
    // `-0` is the integer 0.
    return { kind: 'literal', value: value + 0 };
  }

  #call(): Expression {
    const token = this.#peek();
    if (!/^[A-Za-z][A-Za-z_]*$/.test(token.text) || keywords.has(token.text.toUpperCase())) {
      this.#refuse('the name of a function: letters and "_"');
    }
    this.#take();
    this.#take();
    const name = token.text.toUpperCase();
    if (this.#sign() !== ')') return { kind: 'call', name, arguments: this.#list() };
    this.#take();
    return { kind: 'call', name, arguments: [] };
  }

  #name(expected: string): string {
    const { kind, text } = this.#peek();
    if (kind !== 'word' || keywords.has(text.toUpperCase())) this.#refuse(expected);
    if (text.includes('_')) this.#refuse('the name of an attribute: letters and digits');
    this.#take();
    return text.toLowerCase();
  }

  #peek(): Token {
    const token = this.#tokens[this.#next];
    if (token === undefined) throw new Error('read past the end of an expression');
    return token;
  }

  /** The next token if it is a symbol or a keyword, in upper case. */
  #sign(): string {
    const { kind, text } = this.#peek();
    return kind === 'symbol' || kind === 'word' ? text.toUpperCase() : '';
  }

  #take(): Token {
    const token = this.#peek();
    this.#next += 1;
    return token;
  }

  #expect(sign: string, expected: string): void {
    if (this.#sign() !== sign) this.#refuse(expected);
    this.#take();
  }

  #refuse(expected: string): never {
    const { kind, text, start } = this.#peek();
    const found = kind === 'end' ? 'the end of the expression' : JSON.stringify(shorten(text));
    return invalid(start, found, expected);
  }
}

const shorten = (text: string): string => (text.length > 40 ? `${text.slice(0, 37)}…` : text);

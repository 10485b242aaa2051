import fc from 'fast-check';
import type { BinaryOperator, Expression } from '../../../../functions/lib/cesql/expression.ts';
import { compileLike } from '../../../../functions/lib/cesql/like.ts';
import { canQuote } from './print.ts';

const keywords = new Set(['AND', 'OR', 'XOR', 'NOT', 'LIKE', 'IN', 'EXISTS', 'TRUE', 'FALSE']);
const free = (name: string): boolean => !keywords.has(name.toUpperCase());

const attribute = fc.oneof(
  fc.constantFrom('id', 'type', 'source', 'subject', 'ttl', 'missing'),
  fc.stringMatching(/^[a-z0-9]{0,5}[a-z][a-z0-9]{0,5}$/).filter(free),
);
const text = fc
  .string({
    unit: fc.constantFrom('a', 'B', '5', ' ', '%', '_', "'", '"', '\\', '😀'),
    maxLength: 8,
  })
  .filter(canQuote);
const name = fc.oneof(
  fc.constantFrom('LENGTH', 'CONCAT', 'CONCAT_WS', 'SUBSTRING', 'LEFT', 'INT', 'IS_INT', 'ABS'),
  fc.stringMatching(/^[A-Z][A-Z_]{0,6}$/).filter(free),
);
const operators: readonly BinaryOperator[] = [
  ...(['+', '-', '*', '/', '%', '<', '<=', '>', '>=', '=', '!='] as const),
  ...(['AND', 'OR', 'XOR'] as const),
];

const literal: fc.Arbitrary<Expression> = fc
  .oneof(
    fc.boolean(),
    fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 }),
    fc.integer({ min: -3, max: 9 }),
    text,
  )
  .map((value) => ({ kind: 'literal', value }));

const leaf: fc.Arbitrary<Expression> = fc.oneof(
  literal,
  attribute.map((found): Expression => ({ kind: 'attribute', name: found })),
  attribute.map((found): Expression => ({ kind: 'exists', name: found })),
);

/** Any expression that can be written. */
export const anyExpression: fc.Arbitrary<Expression> = grow(leaf, 3);

/** Text that looks like an expression. */
export const anyText: fc.Arbitrary<string> = fc
  .array(
    fc.oneof(
      fc.constantFrom('AND', 'not', 'Like', 'IN', 'exists', 'true', '(', ')', ',', '=', '<>', '-'),
      fc.constantFrom(
        '+',
        '%',
        '*',
        'LENGTH',
        'CONCAT(',
        'id',
        'x1',
        "'a%'",
        '"_"',
        '7',
        "'",
        '\\',
      ),
      fc.string({ maxLength: 3 }),
    ),
    { maxLength: 14 },
  )
  .chain((parts) => fc.constantFrom(parts.join(' '), parts.join('')));

function grow(inner: fc.Arbitrary<Expression>, levels: number): fc.Arbitrary<Expression> {
  if (levels === 0) return inner;
  const list = fc.array(inner, { minLength: 1, maxLength: 3 });
  const grown: fc.Arbitrary<Expression> = fc.oneof(
    inner,
    inner.map((operand): Expression => ({ kind: 'not', operand })),
    inner.map((operand): Expression => ({ kind: 'negate', operand })),
    fc.tuple(inner, text).map(([operand, pattern]): Expression => ({
      kind: 'like',
      operand,
      pattern: compileLike(pattern),
    })),
    fc.tuple(inner, list).map(([operand, set]): Expression => ({ kind: 'in', operand, set })),
    fc
      .tuple(name, fc.oneof(fc.constant([]), list))
      .map(([called, found]): Expression => ({ kind: 'call', name: called, arguments: found })),
    fc
      .tuple(fc.constantFrom(...operators), inner, inner)
      .map(([operator, left, right]): Expression => ({ kind: 'binary', operator, left, right })),
  );
  return grow(grown, levels - 1);
}

import type { Expression } from '../../../../functions/lib/cesql/expression.ts';

/** An expression as text, with every operand in parentheses that is more than a leaf. */
export function print(expression: Expression): string {
  switch (expression.kind) {
    case 'literal': {
      const { value } = expression;
      return typeof value === 'string' ? quote(value) : String(value);
    }
    case 'attribute':
      return expression.name;
    case 'exists':
      return `EXISTS ${expression.name}`;
    case 'not':
      return `NOT ${operand(expression.operand)}`;
    case 'negate':
      return `-${operand(expression.operand)}`;
    case 'like':
      return `${operand(expression.operand)} LIKE ${quote(expression.pattern.source)}`;
    case 'in':
      return `${operand(expression.operand)} IN (${expression.set.map(print).join(', ')})`;
    case 'call':
      return `${expression.name}(${expression.arguments.map(print).join(', ')})`;
    default:
      return `${operand(expression.left)} ${expression.operator} ${operand(expression.right)}`;
  }
}

/** Whether some literal has this value; not all have: no literal ends in one backslash. */
export function canQuote(value: string): boolean {
  return delimiterOf(value) !== undefined;
}

function operand(expression: Expression): string {
  const plain = expression.kind === 'attribute' || expression.kind === 'call';
  return plain ? print(expression) : `(${print(expression)})`;
}

function quote(value: string): string {
  const delimiter = delimiterOf(value);
  if (delimiter === undefined) throw new Error(`no literal has the value ${value}`);
  return `${delimiter}${value.replaceAll(pair, (found) => (found === delimiter ? `\\${found}` : found))}${delimiter}`;
}

/** A backslash takes the next character with it. */
const pair = /\\[^]|[^]/g;

function delimiterOf(value: string): string | undefined {
  const pairs: readonly string[] = value.match(pair) ?? [];
  if (pairs.includes('\\')) return undefined;
  return ["'", '"'].find((delimiter) => !pairs.includes(`\\${delimiter}`));
}

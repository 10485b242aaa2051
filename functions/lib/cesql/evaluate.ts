import { isInteger, to, toBoolean, toInteger, toText, typeOf, zero, type Attempt } from './cast.ts';
import {
  failed,
  type ArithmeticOperator,
  type Evaluation,
  type Expression,
  type OrderOperator,
  type Value,
} from './expression.ts';
import { builtinFunctions, findFunction, tooLong, type CesqlFunction } from './functions.ts';
import { matchesLike } from './like.ts';
import { maxText, maxWork, newWork, spend, type Work } from './work.ts';

interface Scope {
  readonly attributes: ReadonlyMap<string, Value>;
  readonly functions: readonly CesqlFunction[];
  readonly work: Work;
}

type Of<K extends Expression['kind']> = Extract<Expression, { kind: K }>;

/**
 * Evaluates an expression; never throws. Operands are evaluated from the left, and the first error
 * ends an operation: its value is then the zero value of its type (`false`, 0 or the empty string),
 * and the error is that of the whole expression (the specification's fail-fast mode).
 * @param attributes context attributes by name, usually all strings.
 * @param functions what may be called; replaces the built-in functions.
 * @param work what this evaluation and those that share it may do; more is an error of the kind `limit`.
 */
export function evaluateCesql(
  expression: Expression,
  attributes: ReadonlyMap<string, Value>,
  functions: readonly CesqlFunction[] = builtinFunctions,
  work: Work = newWork(),
): Evaluation {
  return evaluate(expression, { attributes, functions, work });
}

function evaluate(expression: Expression, scope: Scope): Evaluation {
  switch (expression.kind) {
    case 'literal':
      return { value: expression.value };
    case 'attribute': {
      const value = scope.attributes.get(expression.name);
      return value === undefined
        ? failed(false, 'missingAttribute', `the event has no attribute "${expression.name}"`)
        : { value };
    }
    case 'exists':
      return { value: scope.attributes.has(expression.name) };
    case 'not': {
      const operand = attempt(expression.operand, toBoolean, scope);
      return operand.ok ? { value: !operand.value } : { value: false, error: operand.error };
    }
    case 'negate': {
      const operand = attempt(expression.operand, toInteger, scope);
      return operand.ok ? integer(-operand.value) : { value: 0, error: operand.error };
    }
    case 'like': {
      const operand = attempt(expression.operand, toText, scope);
      if (!operand.ok) return { value: false, error: operand.error };
      const { pattern } = expression;
      if (!spend(scope.work, operand.value.length * pattern.steps)) return exhausted(false);
      return { value: matchesLike(pattern, operand.value) };
    }
    case 'in':
      return membership(expression, scope);
    case 'call':
      return call(expression, scope);
    default:
      return binary(expression, scope);
  }
}

/** The operand's value with the type that the operation takes. */
function attempt<T>(
  expression: Expression,
  cast: (value: Value) => Attempt<T>,
  scope: Scope,
): Attempt<T> {
  const { value, error } = evaluate(expression, scope);
  return error === undefined ? cast(value) : { ok: false, error };
}

function binary(expression: Of<'binary'>, scope: Scope): Evaluation {
  const { operator } = expression;
  switch (operator) {
    case 'AND':
    case 'OR':
    case 'XOR':
      return logic(operator, expression, scope);
    case '=':
    case '!=':
      return equality(operator, expression, scope);
    case '<':
    case '<=':
    case '>':
    case '>=': {
      const pair = integers(expression, scope);
      if (!pair.ok) return { value: false, error: pair.error };
      return { value: ordered(operator, pair.value[0], pair.value[1]) };
    }
    default: {
      const pair = integers(expression, scope);
      if (!pair.ok) return { value: 0, error: pair.error };
      return arithmetic(operator, pair.value[0], pair.value[1]);
    }
  }
}

function logic(operator: 'AND' | 'OR' | 'XOR', expression: Of<'binary'>, scope: Scope): Evaluation {
  const left = attempt(expression.left, toBoolean, scope);
  if (!left.ok) return { value: false, error: left.error };
  if (operator !== 'XOR' && left.value === (operator === 'OR')) return { value: left.value };
  const right = attempt(expression.right, toBoolean, scope);
  if (!right.ok) return { value: false, error: right.error };
  return { value: operator === 'XOR' ? left.value !== right.value : right.value };
}

/** The right operand's type decides what is compared. */
function equality(operator: '=' | '!=', expression: Of<'binary'>, scope: Scope): Evaluation {
  const left = evaluate(expression.left, scope);
  if (left.error !== undefined) return { value: false, error: left.error };
  const right = evaluate(expression.right, scope);
  if (right.error !== undefined) return { value: false, error: right.error };
  const cast = to(typeOf(right.value), left.value);
  if (!cast.ok) return { value: false, error: cast.error };
  return { value: (cast.value === right.value) === (operator === '=') };
}

/** The left operand's type decides; what stands after the element that is equal is not looked at. */
function membership(expression: Of<'in'>, scope: Scope): Evaluation {
  const { value: wanted, error } = evaluate(expression.operand, scope);
  if (error !== undefined) return { value: false, error };
  for (const element of expression.set) {
    const found = attempt(element, (value) => to(typeOf(wanted), value), scope);
    if (!found.ok) return { value: false, error: found.error };
    if (found.value === wanted) return { value: true };
  }
  return { value: false };
}

function integers(expression: Of<'binary'>, scope: Scope): Attempt<readonly [number, number]> {
  const left = attempt(expression.left, toInteger, scope);
  if (!left.ok) return left;
  const right = attempt(expression.right, toInteger, scope);
  return right.ok ? { ok: true, value: [left.value, right.value] } : right;
}

function ordered(operator: OrderOperator, x: number, y: number): boolean {
  switch (operator) {
    case '<':
      return x < y;
    case '<=':
      return x <= y;
    case '>':
      return x > y;
    default:
      return x >= y;
  }
}

function arithmetic(operator: ArithmeticOperator, x: number, y: number): Evaluation {
  switch (operator) {
    case '+':
      return integer(x + y);
    case '-':
      return integer(x - y);
    case '*':
      return integer(x * y);
    case '/':
      return y === 0 ? failed(0, 'math', `${x} / 0`) : integer(Math.trunc(x / y));
    default:
      return y === 0 ? failed(0, 'math', `${x} % 0`) : integer(x % y);
  }
}

/** `+ 0` turns JavaScript's -0 into the one zero there is. */
function integer(number: number): Evaluation {
  return isInteger(number)
    ? { value: number + 0 }
    : failed(0, 'math', `${number} does not fit into 32 bits`);
}

function call(expression: Of<'call'>, scope: Scope): Evaluation {
  const { name, arguments: list } = expression;
  const found = findFunction(scope.functions, name, list.length);
  if (found === undefined) {
    const message = `there is no function ${name} of ${list.length} arguments`;
    return failed(false, 'missingFunction', message);
  }
  const values: Value[] = [];
  for (const [index, argument] of list.entries()) {
    const type = found.parameters[index] ?? found.rest ?? 'Any';
    const value = attempt<Value>(
      argument,
      (given) => (type === 'Any' ? { ok: true, value: given } : to(type, given)),
      scope,
    );
    if (!value.ok) return { value: zero[found.returns], error: value.error };
    if (!spend(scope.work, lengthOf(value.value))) return exhausted(zero[found.returns]);
    values.push(value.value);
  }
  try {
    const result = found.call(values);
    const length = lengthOf(result.value);
    if (length > maxText) return tooLong(name, length);
    return spend(scope.work, length) ? result : exhausted(zero[found.returns]);
  } catch (error) {
    return failed(zero[found.returns], 'generic', `${name}: ${String(error)}`);
  }
}

const lengthOf = (value: Value): number => (typeof value === 'string' ? value.length : 0);

function exhausted(value: Value): Evaluation {
  return failed(value, 'limit', `functions and LIKE may read and make ${maxWork} characters`);
}

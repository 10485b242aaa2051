import { isDeepStrictEqual } from 'node:util';
import test from 'ava';
import fc from 'fast-check';
import { evaluateCesql } from '../../../../functions/lib/cesql/evaluate.ts';
import { builtinFunctions, findFunction } from '../../../../functions/lib/cesql/functions.ts';
import type { Expression, Value } from '../../../../functions/lib/cesql/expression.ts';
import { parseCesql } from '../../../../functions/lib/cesql/parse.ts';
import { maxText, maxWork } from '../../../../functions/lib/cesql/work.ts';
import { CloverError } from '../../../../functions/lib/errors.ts';
import { anyExpression, anyText } from './arbitrary.ts';
import { print } from './print.ts';

const event = new Map(
  Object.entries({ id: '5', type: 'a', source: 'aB%', subject: 'true', ttl: '-2147483648' }),
);

const parsed = (text: string): Expression | undefined => {
  try {
    return parseCesql(text);
  } catch (error) {
    if (error instanceof CloverError && error.code === 'CLV_FILTER_INVALID') return undefined;
    throw error;
  }
};

test('whatever the text is, it is parsed or refused with its own error', (t) => {
  let taken = 0;
  fc.assert(
    fc.property(fc.oneof(anyText, fc.string(), fc.string({ unit: 'binary' })), (text) => {
      const expression = parsed(text);
      if (expression === undefined) return;
      taken += 1;
      evaluateCesql(expression, event);
      t.deepEqual(parseCesql(print(expression)), expression);
    }),
    { numRuns: 3_000 },
  );
  t.true(taken > 50, `only ${taken} texts were expressions`);
});

test('an expression that is printed is read as itself', (t) => {
  fc.assert(
    fc.property(anyExpression, (expression) =>
      isDeepStrictEqual(parseCesql(print(expression)), expression),
    ),
    { numRuns: 1_000 },
  );
  t.pass();
});

test('an expression survives the way to another thread', (t) => {
  fc.assert(
    fc.property(anyExpression, (expression) =>
      isDeepStrictEqual(
        evaluateCesql(structuredClone(expression), event),
        evaluateCesql(expression, event),
      ),
    ),
    { numRuns: 200 },
  );
  t.pass();
});

test('a value has the type of its operation, with an error and without', (t) => {
  const failures = new Set<string>();
  fc.assert(
    fc.property(anyExpression, (expression) => {
      const { value, error } = evaluateCesql(expression, event);
      if (error !== undefined) failures.add(error.kind);
      const expected = typeNamed(expression);
      return expected === undefined || expected === kindOf(value);
    }),
    { numRuns: 3_000 },
  );
  // Chance may leave out a rare kind of error: each has an expression of its own.
  for (const [text, kind] of [
    ["INT('x')", 'cast'],
    ["SUBSTRING('abc', 9)", 'functionEvaluation'],
    ['1 / 0', 'math'],
    ['nothing', 'missingAttribute'],
    ['NOTHING()', 'missingFunction'],
  ] as const) {
    t.is(evaluateCesql(parseCesql(text), event).error?.kind, kind, text);
    failures.delete(kind);
  }
  t.deepEqual([...failures], []);
});

/** Each step puts the text before it into a function so many times, as long as that is an expression. */
const multiplying: fc.Arbitrary<string> = fc
  .tuple(
    fc.constantFrom('id', 'subject', "'x'"),
    fc.array(
      fc.tuple(
        fc.constantFrom('CONCAT', 'CONCAT_WS', 'UPPER', 'LOWER', 'TRIM', 'LEFT', 'STRING'),
        fc.oneof(fc.constantFrom(2, 4), fc.integer({ min: 2, max: 490 })),
      ),
      { minLength: 1, maxLength: 8 },
    ),
  )
  .map(([start, steps]) =>
    steps.reduce<string>((inner, [called, count]) => {
      const list = called.startsWith('CONCAT') ? Array<string>(count).fill(inner) : [inner];
      const text = `${called}(${[...list, ...(called === 'LEFT' ? ['99999'] : [])].join(', ')})`;
      return parsed(text) === undefined ? inner : text;
    }, start),
  );

/** Together at most 16 KiB, as in every event. */
const largeEvent = fc
  .tuple(fc.constantFrom('a', 'ß', 'ΐ', '5', ' ', '😀'), fc.integer({ min: 0, max: 16_000 }))
  .map(([character, bytes]) => {
    const subject = character.repeat(bytes / Buffer.byteLength(character));
    const id = 'i'.repeat(16_000 - Buffer.byteLength(subject));
    return new Map([...event, ['subject', subject], ['id', id]]);
  });

test('whatever the expression and the event are, little is made', (t) => {
  let most = 0;
  let limited = 0;
  fc.assert(
    fc.property(
      fc.oneof(multiplying, multiplying, anyExpression.map(print)),
      largeEvent,
      (text, attributes) => {
        let made = 0;
        const counting = builtinFunctions.map((one) => ({
          ...one,
          call: (values: readonly Value[]) => {
            const result = one.call(values);
            made += String(result.value).length;
            return result;
          },
        }));
        const { error } = evaluateCesql(parseCesql(text), attributes, counting);
        if (error?.kind === 'limit') limited += 1;
        most = Math.max(most, made);
      },
    ),
    { numRuns: 1_000 },
  );
  // The last text may be refused once it is made: case makes three characters of one.
  t.true(most <= maxWork + 3 * maxText, `${most} characters`);
  t.true(limited > 20, `only ${limited} expressions came to a limit`);
});

function kindOf(value: Value): string {
  if (typeof value === 'string') return 'String';
  if (typeof value === 'boolean') return 'Boolean';
  const integer = Object.is(value, value | 0);
  return integer ? 'Integer' : `no integer: ${value}`;
}

function typeNamed(expression: Expression): string | undefined {
  switch (expression.kind) {
    case 'literal':
    case 'attribute':
      return undefined;
    case 'negate':
      return 'Integer';
    case 'call': {
      const { name, arguments: list } = expression;
      return findFunction(builtinFunctions, name, list.length)?.returns ?? 'Boolean';
    }
    case 'binary':
      return '+-*/%'.includes(expression.operator) ? 'Integer' : 'Boolean';
    default:
      return 'Boolean';
  }
}

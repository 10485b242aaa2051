import test from 'ava';
import { evaluateCesql } from '../../../../functions/lib/cesql/evaluate.ts';
import { builtinFunctions } from '../../../../functions/lib/cesql/functions.ts';
import { parseCesql } from '../../../../functions/lib/cesql/parse.ts';
import type { TckCase } from './tck/case.ts';
import { casting, integers, strings, userDefined } from './tck/functions.ts';
import { exists, inSet, like, subscriptionsApi } from './tck/membership.ts';
import { tckFunctions } from './tck/own-functions.ts';
import { comparison, logical, math, negate, not, subExpression } from './tck/operators.ts';
import { attributes, caseSensitivity, examples, literals, parseErrors } from './tck/values.ts';

const required = {
  specversion: '1.0',
  id: 'myId',
  source: 'localhost.localdomain',
  type: 'myType',
};

const files: Readonly<Record<string, readonly TckCase[]>> = {
  binary_comparison_operators: comparison,
  binary_logical_operators: logical,
  binary_math_operators: math,
  case_sensitivity: caseSensitivity,
  casting_functions: casting,
  context_attributes_access: attributes,
  exists_expression: exists,
  in_expression: inSet,
  integer_builtin_functions: integers,
  like_expression: like,
  literals,
  negate_operator: negate,
  not_operator: not,
  spec_examples: examples,
  string_builtin_functions: strings,
  sub_expression: subExpression,
  subscriptions_api_recreations: subscriptionsApi,
  user_defined_functions: userDefined,
};

for (const [file, cases] of Object.entries(files)) {
  test(`the conformance cases of ${file} hold`, (t) => {
    for (const [expression, value, error = '', overrides = {}] of cases) {
      const event = new Map(Object.entries({ ...required, ...overrides }));
      const result = evaluateCesql(parseCesql(expression), event, [
        ...builtinFunctions,
        ...tckFunctions,
      ]);
      t.is(result.value, value, expression);
      t.is(result.error?.kind ?? '', error, `${expression}: ${result.error?.message}`);
    }
  });
}

test('the conformance cases of parse_errors are refused', (t) => {
  for (const expression of parseErrors) {
    t.throws(() => parseCesql(expression), { code: 'CLV_FILTER_INVALID' }, expression);
  }
});

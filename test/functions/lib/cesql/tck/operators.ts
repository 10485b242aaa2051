import type { TckCase } from './case.ts';

/** `binary_math_operators.yaml`; a cast that fails leaves the zero value, as 1.0 has it. */
export const math: readonly TckCase[] = [
  ['4 * 2 + 4 / 2', 10],
  ['4 * (2 + 4) / 2', 12],
  ['5 / 3', 1],
  ['5 / 0', 0, 'math'],
  ['5 % 2', 1],
  ['5 % 0', 0, 'math'],
  ['missing / 0', 0, 'missingAttribute'],
  ['missing % 0', 0, 'missingAttribute'],
  ['4 + 1', 5],
  ['-4 + 1', -3],
  ['-4 + -1', -5],
  ['4 + -1', 3],
  ['4 - 1', 3],
  ['-4 - 1', -5],
  [`'5' + 3`, 8],
  [`5 + '3'`, 8],
  [`'5' + '3'`, 8],
  ['5 + TRUE', 6],
  [`'5avc4' + 10`, 0, 'cast'],
];

/** `binary_logical_operators.yaml`. */
export const logical: readonly TckCase[] = [
  ['FALSE AND FALSE', false],
  ['FALSE AND TRUE', false],
  ['TRUE AND FALSE', false],
  ['TRUE AND TRUE', true],
  ['false and (1 != 1 / 0)', false],
  ['true and (1 != 1 / 0)', false, 'math'],
  ['FALSE OR FALSE', false],
  ['FALSE OR TRUE', true],
  ['TRUE OR FALSE', true],
  ['TRUE OR TRUE', true],
  ['true or (1 != 1 / 0)', true],
  ['false or (1 != 1 / 0)', false, 'math'],
  ['FALSE XOR FALSE', false],
  ['FALSE XOR TRUE', true],
  ['TRUE XOR FALSE', true],
  ['TRUE XOR TRUE', false],
];

/** `binary_comparison_operators.yaml`. */
export const comparison: readonly TckCase[] = [
  ['TRUE = FALSE', false],
  ['FALSE = FALSE', true],
  ['1 = 2', false],
  ['2 = 2', true],
  [`'abc' = '123'`, false],
  [`'abc' = 'abc'`, true],
  ['missing = 2', false, 'missingAttribute'],
  ['TRUE != FALSE', true],
  ['FALSE != FALSE', false],
  ['1 != 2', true],
  ['2 != 2', false],
  [`'abc' != '123'`, true],
  [`'abc' != 'abc'`, false],
  ['missing != 2', false, 'missingAttribute'],
  ['TRUE <> FALSE', true],
  ['FALSE <> FALSE', false],
  ['1 <> 2', true],
  ['2 <> 2', false],
  [`'abc' <> '123'`, true],
  [`'abc' <> 'abc'`, false],
  ['missing <> 2', false, 'missingAttribute'],
  ['2 <= 2', true],
  ['3 <= 2', false],
  ['1 < 2', true],
  ['2 < 2', false],
  ['2 >= 2', true],
  ['2 >= 3', false],
  ['2 > 1', true],
  ['2 > 2', false],
  ['missing <= 2', false, 'missingAttribute'],
  [`true = 'TRUE'`, false],
  [`'TRUE' = true`, true],
];

/** `negate_operator.yaml`. */
export const negate: readonly TckCase[] = [
  ['-10', -10],
  ['--10', 10],
  [`-'10'`, -10],
  [`--'10'`, 10],
  ['-TRUE', -1],
  ['-missing', 0, 'missingAttribute'],
];

/** `not_operator.yaml`. */
export const not: readonly TckCase[] = [
  ['NOT TRUE', false],
  ['NOT FALSE', true],
  [`NOT 'TRUE'`, false],
  [`NOT 'FALSE'`, true],
  ['NOT 10', false],
  ['NOT missing', false, 'missingAttribute'],
];

/** `sub_expression.yaml`. */
export const subExpression: readonly TckCase[] = [
  ['(TRUE)', true],
  ['4 * (2 + 3)', 20],
  ['(2 + 3) * 4', 20],
];

import test from 'ava';
import { readFeature } from './gherkin.ts';

const feature = `
@tag
Feature: a feature
  With words that are no steps: Given, or |a|.

  Background:
    Given a ground

  # a comment
  Scenario Outline: with <what>
    Given a text
      """
      first <what>

        second
      """
    When done
    Then the table is:
      | a | <what> |
      | 1 |        |
    Examples:
      | what |
      | x    |
      | y z  |

  Scenario: plain
    * a star
`;

test('outlines are filled in, texts keep their own indentation, and the background comes first', (t) => {
  const [x, y, plain] = readFeature(feature);
  t.deepEqual(x, {
    name: 'with x',
    steps: [
      { text: 'a ground' },
      { text: 'a text', document: 'first x\n\n  second' },
      { text: 'done' },
      {
        text: 'the table is:',
        table: [
          ['a', 'x'],
          ['1', ''],
        ],
      },
    ],
  });
  t.is(y?.name, 'with y z');
  t.deepEqual(plain, { name: 'plain', steps: [{ text: 'a ground' }, { text: 'a star' }] });
});

test('what is no Gherkin is refused with its line', (t) => {
  const begin = 'Feature: f\nScenario: s\nGiven a step\n';
  t.throws(() => readFeature(`${begin}nonsense`), { message: /line 4: nonsense/ });
  t.throws(() => readFeature(`${begin}"""\nno end`), { message: /line 4: the text has no end/ });
  t.throws(() => readFeature('Feature: f\nScenario: s\n| a |'), { message: /without a step/ });
});

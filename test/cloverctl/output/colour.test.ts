import test from 'ava';
import { wantsColour } from '../../../cloverctl/output/colour.ts';

const rows: readonly (readonly [
  args: string,
  variables: Readonly<Record<string, string>>,
  onTerminal: boolean,
  elsewhere: boolean,
])[] = [
  ['', {}, true, false],
  ['', { TERM: 'dumb' }, false, false],
  ['', { CLICOLOR: '0' }, false, false],
  ['', { CLICOLOR_FORCE: '1' }, true, true],
  ['', { CLICOLOR_FORCE: '0' }, true, false],
  ['', { FORCE_COLOR: '0', CLICOLOR_FORCE: '1' }, false, false],
  ['', { FORCE_COLOR: '1' }, true, true],
  ['', { NO_COLOR: '' }, true, false],
  ['', { NO_COLOR: '1', FORCE_COLOR: '1', CLICOLOR_FORCE: '1' }, false, false],
  ['--color always', { NO_COLOR: '1' }, true, true],
  ['get --color=never', { FORCE_COLOR: '1' }, false, false],
  ['--color never get --color auto', { FORCE_COLOR: '1' }, true, true],
  ['get -- --color=always', {}, true, false],
];

test('options stand over variables, and variables over the terminal', (t) => {
  for (const [args, variables, onTerminal, elsewhere] of rows) {
    const words = args.split(' ');
    const message = `${args} ${JSON.stringify(variables)}`;
    t.is(wantsColour(words, variables, true), onTerminal, message);
    t.is(wantsColour(words, variables, false), elsewhere, message);
  }
});

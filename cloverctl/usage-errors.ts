import type { Command } from 'commander';
import { nearest } from '../functions/lib/nearest.ts';

/** Lets errors of usage say what was probably meant, and the help that has the answer: `(see "cloverctl get --help")`. */
export function nameHelpInErrors(command: Command, path: string = command.name()): void {
  command.showHelpAfterError(`(see "${path} --help")`);
  // Commander's own suggestions take words for similar that are not, such as "wait" and "edit".
  command.showSuggestionAfterError(false);
  const fail = command.error.bind(command);
  command.error = (message, options) => fail(message + suggestion(command, message), options);
  for (const inner of command.commands) nameHelpInErrors(inner, `${path} ${inner.name()}`);
}

function suggestion(command: Command, message: string): string {
  const [, what, word = ''] = /^error: unknown (command|option) '([^'=]*)/.exec(message) ?? [];
  if (what === undefined) return '';
  const meant =
    what === 'option'
      ? optionLike(word, command)
      : nearest(
          word,
          command.commands.map((inner) => inner.name()),
        );
  return meant === undefined ? '' : `\n(Did you mean ${meant}?)`;
}

/** Dashes do not count: all options have them. */
function optionLike(word: string, command: Command): string | undefined {
  if (!word.startsWith('--')) return undefined;
  const meant = nearest(word.slice(2), [...longNames(command), 'help']);
  return meant === undefined ? undefined : `--${meant}`;
}

function longNames(command: Command): readonly string[] {
  const own = command.options.flatMap(({ long, hidden }) =>
    long == null || hidden ? [] : [long.slice(2)],
  );
  return command.parent === null ? own : [...own, ...longNames(command.parent)];
}

import { InvalidArgumentError, Option, type Command } from 'commander';
import { CloverError } from '../functions/lib/errors.ts';
import { parseLabelSelector, type LabelSelector } from '../functions/lib/label-selector.ts';

/** A label selector, as it was written and as it is asked. */
export interface Selector {
  readonly text: string;
  readonly selects: LabelSelector;
}

/** Who checks in a dry run: this process, or the control plane; `none` is no dry run. */
export type DryRun = 'client' | 'none' | 'server';

/** `-l`, a label selector as kubectl takes it. */
export function selectorOption(description: string): Option {
  return new Option('-l, --selector <query>', description).argParser((text: string): Selector => {
    try {
      return { text, selects: parseLabelSelector(text) };
    } catch (error) {
      if (!(error instanceof CloverError)) throw error;
      throw new InvalidArgumentError(error.message.replace('labelSelector: ', ''));
    }
  });
}

/** `-R`, for the folders of `-f`. */
export function recursiveOption(): Option {
  return new Option('-R, --recursive', 'also the folders in the folders of -f');
}

/** `--dry-run`, alone the control plane's. */
export function addDryRun(command: Command, modes: readonly DryRun[]): Command {
  command.addOption(
    new Option('--dry-run [mode]', 'check, and change nothing; alone: server')
      .choices(modes)
      .default('none' satisfies DryRun),
  );
  return takesByEqualsSign(command, '--dry-run', 'server' satisfies DryRun);
}

/** A switch that is on unless it is told otherwise: `--wait`, `--wait=false`. */
export function addSwitch(command: Command, flag: string, description: string): Command {
  command.addOption(
    new Option(`${flag} [bool]`, description).default(true).argParser((text: string) => {
      if (text === 'true' || text === 'false') return text === 'true';
      throw new InvalidArgumentError('Allowed choices are true, false.');
    }),
  );
  return takesByEqualsSign(command, flag, 'true');
}

/** As with kubectl the value of such an option never is the next word: that may be a name. */
function takesByEqualsSign(command: Command, flag: string, alone: string): Command {
  const parse = command.parseOptions.bind(command);
  command.parseOptions = (words) => {
    const end = words.indexOf('--');
    return parse(
      words.map((word, index) =>
        word === flag && (end < 0 || index < end) ? `${flag}=${alone}` : word,
      ),
    );
  };
  return command;
}

import type { Command } from 'commander';

/** Lets errors of usage name the command whose help has the answer: `(see "cloverctl get --help")`. */
export function nameHelpInErrors(command: Command, path: string = command.name()): void {
  command.showHelpAfterError(`(see "${path} --help")`);
  for (const inner of command.commands) nameHelpInErrors(inner, `${path} ${inner.name()}`);
}

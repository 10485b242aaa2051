import { Argument, type Command } from 'commander';
import { liveNames } from '../completion/live-names.ts';
import { completionScripts, shells, type Shell } from '../completion/scripts.ts';
import { shellWords } from '../completion/shell-words.ts';
import { wantedAt, type Candidate, type Wanted } from '../completion/wanted.ts';
import { namespaceBehindCommand } from '../command-words.ts';
import type { CliEnv } from '../env.ts';
import { writeLines } from '../output/print.ts';

/** `completion`: the script of a shell. */
export function registerCompletion(program: Command, env: CliEnv): void {
  program
    .command('completion')
    .description('print the completion script of a shell')
    .addArgument(new Argument('<shell>', 'the shell that will read it').choices(shells))
    .addHelpText(
      'after',
      '\nCommands, options, their values, and names of live objects are completed.',
    )
    .action((shell: Shell) => {
      env.stdout.write(completionScripts[shell]);
    });
}

interface CompleteOptions {
  readonly line?: string;
}

/** `__complete`: what may stand at the cursor, for the scripts; one a line, with a tab before its description. */
export function registerComplete(program: Command, env: CliEnv): void {
  program
    .command('__complete', { hidden: true })
    .description('what may stand at the cursor')
    .argument('[words...]', 'words after cloverctl; the last is that at the cursor')
    .option('--line <text>', 'in place of words: the line up to the cursor, as bash has it')
    .action(async (words: readonly string[], { line }: CompleteOptions) => {
      const given = line === undefined ? words : shellWords(line).slice(1);
      const typed = [...namespaceBehindCommand(given.slice(0, -1)), ...given.slice(-1)];
      const { createProgram } = await import('../program.ts');
      const wanted = wantedAt(await createProgram(typed.slice(0, -1), env), typed);
      const current = typed.at(-1) ?? '';
      writeLines(env, [
        ...(await candidates(wanted, current, env)).map((one) =>
          lineOf(one, line === undefined ? '' : current),
        ),
        ...(wanted.paths === undefined ? [] : [`:${wanted.paths}`]),
      ]);
    });
}

async function candidates(
  { words, live, prefix, taken, options }: Wanted,
  current: string,
  env: CliEnv,
): Promise<readonly Candidate[]> {
  const names = live === undefined ? [] : await liveNames(live, options, env);
  return [...words, ...names]
    .map(({ value, description = '' }) => ({ value: prefix + value, description }))
    .filter(({ value }) => value.startsWith(current) && !taken.includes(value));
}

/** @param current bash puts in what follows its last `=` or `:` only. */
function lineOf({ value, description = '' }: Candidate, current: string): string {
  const [kept = ''] = /^.*[=:]/.exec(current) ?? [];
  const shown = value.slice(kept.length);
  return description === '' ? shown : `${shown}\t${description}`;
}

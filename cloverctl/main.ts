import process from 'node:process';
import { namespaceBehindCommand } from './command-words.ts';
import { createCliEnv } from './env.ts';
import { exitCodes } from './exit-codes.ts';
import { createProgram } from './program.ts';
import { reportError } from './report-error.ts';

/** Whether the output has to be one JSON document: also where an error comes before the options are read. */
function wantsJson(args: readonly string[]): boolean {
  return args.some(
    (arg, index) =>
      arg === '--json' ||
      /^(?:-o=?|--output=)json$/.test(arg) ||
      (arg === 'json' && ['-o', '--output'].includes(args[index - 1] ?? '')),
  );
}

async function main(): Promise<void> {
  const env = createCliEnv(process);
  const args = namespaceBehindCommand(process.argv.slice(2));
  try {
    const program = await createProgram(args, env);
    await program.parseAsync(args, { from: 'user' });
  } catch (error) {
    if (env.signal.aborted) env.fail(exitCodes.stopped);
    else reportError(error, env, wantsJson(args));
  }
}

await main();

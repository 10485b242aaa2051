import { CommanderError } from 'commander';
import { CloverError } from '../functions/lib/errors.ts';
import type { CliEnv } from './env.ts';
import { exitCodeOf } from './exit-codes.ts';

/**
 * Tells an error on stderr, field by field, and sets the exit code.
 * @param json Writes the error as the one JSON document of the output, too.
 */
export function reportError(error: unknown, env: CliEnv, json: boolean, where = ''): void {
  env.fail(exitCodeOf(error));
  // Commander has told its own already.
  if (error instanceof CommanderError) return;
  const message = error instanceof Error ? error.message : String(error);
  const details = error instanceof CloverError ? error.details : [];
  const red = env.colour ? ['\u001B[31m', '\u001B[39m'] : ['', ''];
  env.stderr.write(`${red[0]}error:${red[1]} ${where}${message}\n`);
  const more =
    details.length > 1 ? details : details.filter(({ field }) => !message.includes(field));
  for (const detail of more) env.stderr.write(`  ${detail.field}: ${detail.message}\n`);
  if (!json) return;
  const code = error instanceof CloverError ? error.code : 'CLV_INTERNAL';
  env.stdout.write(`${JSON.stringify({ error: { code, message, details } })}\n`);
}

import { CommanderError } from 'commander';
import { CloverError, type ErrorCode } from '../functions/lib/errors.ts';
import type { CliEnv } from './env.ts';
import { exitCodeOf } from './exit-codes.ts';
import { coloured } from './output/colour.ts';
import { printableLines } from './output/text.ts';
import { writeText } from './output/write-text.ts';

/** An error as JSON output has it. */
export interface ErrorDocument {
  readonly code: ErrorCode;
  readonly message: string;
  readonly details: CloverError['details'];
}

/** What programs read of an error. */
export function errorDocument(error: unknown): ErrorDocument {
  if (error instanceof CloverError) {
    const { code, message, details } = error;
    return { code, message, details };
  }
  if (error instanceof CommanderError) {
    const text = error.message.replace(/^error: /, '').replaceAll('\n', ' ');
    return { code: 'CLV_ARGUMENT_INVALID', message: text, details: [] };
  }
  const message = error instanceof Error ? error.message : String(error);
  return { code: 'CLV_INTERNAL', message, details: [] };
}

/**
 * Tells an error on stderr, field by field, and sets the exit code.
 * @param json Writes the error as the one JSON document of the output, too.
 */
export function reportError(error: unknown, env: CliEnv, json: boolean, where = ''): void {
  env.fail(exitCodeOf(error));
  const { code, message, details } = errorDocument(error);
  if (error instanceof CommanderError) {
    // It has told its own already, and of help and version there is nothing to tell.
    if (json && error.exitCode !== 0) writeError(env, { code, message, details });
    return;
  }
  const word = env.errorColour ? coloured('error:', 'bad') : 'error:';
  env.stderr.write(`${word} ${printableLines(`${where}${message}`)}\n`);
  const more =
    details.length > 1 ? details : details.filter(({ field }) => !message.includes(field));
  for (const detail of more) {
    env.stderr.write(`  ${printableLines(`${detail.field}: ${detail.message}`)}\n`);
  }
  if (json) writeError(env, { code, message, details });
}

function writeError(env: CliEnv, error: ErrorDocument): void {
  writeText(env, `${JSON.stringify({ error })}\n`);
}

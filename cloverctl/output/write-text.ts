import type { CliEnv } from '../env.ts';
import { printableLines } from './text.ts';

/** Writes a text as it is; to a terminal with control characters escaped, other than line feeds and tabs. */
export function writeText({ stdout }: Pick<CliEnv, 'stdout'>, text: string): void {
  stdout.write(stdout.isTTY ? printableLines(text) : text);
}

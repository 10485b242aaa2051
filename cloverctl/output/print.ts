import { Option } from 'commander';
import type { GlobalOptions } from '../connect.ts';
import type { CliEnv } from '../env.ts';
import { table, type Column, type TableLook } from './table.ts';
import { writeText } from './write-text.ts';

/** Forms of output that commands offer. */
export type OutputFormat = 'json' | 'name' | 'table' | 'wide' | 'yaml';

/** Options of a command that prints. */
export interface OutputOptions extends GlobalOptions {
  readonly output?: OutputFormat;
}

/** `-o`, with the forms that make sense for a command. */
export function outputOption(formats: readonly OutputFormat[]): Option {
  return new Option('-o, --output <format>', 'form of the output')
    .choices(formats)
    .default('table');
}

/** The chosen form; `--json` stands over `-o`. */
export function formatOf({ json, output = 'table' }: OutputOptions): OutputFormat {
  return json === true ? 'json' : output;
}

/** Writes lines. */
export function writeLines(env: CliEnv, lines: readonly string[]): void {
  if (lines.length > 0) env.stdout.write(`${lines.join('\n')}\n`);
}

/**
 * Writes rows as a table: in colour where the output takes it, and on a terminal cut to its width.
 * @param look `wide` never cuts; without `head` there are only rows.
 */
export function writeTable<Row>(
  env: CliEnv,
  columns: readonly Column<Row>[],
  rows: readonly Row[],
  look: { readonly wide?: boolean; readonly head?: boolean } = {},
): void {
  writeLines(env, table(columns, rows, lookOf(env, look)));
}

/** How tables look on this output. */
export function lookOf(
  { stdout, colour }: Pick<CliEnv, 'colour' | 'stdout'>,
  { wide = false, head = true }: { readonly wide?: boolean; readonly head?: boolean } = {},
): TableLook {
  // A terminal that does not tell its size says 0.
  const width = stdout.isTTY && !wide ? stdout.columns || undefined : undefined;
  return { colour, width, head };
}

/** Writes one JSON document, indented for people when they read it on a terminal. */
export function writeJson(env: CliEnv, value: unknown): void {
  writeText(env, `${JSON.stringify(value, undefined, env.stdout.isTTY ? 2 : undefined)}\n`);
}

/** Writes one YAML document. */
export async function writeYaml(env: CliEnv, value: unknown): Promise<void> {
  const { stringify } = await import('yaml');
  writeText(env, stringify(value));
}

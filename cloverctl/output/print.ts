import { Option } from 'commander';
import type { GlobalOptions } from '../connect.ts';
import type { CliEnv } from '../env.ts';

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

/** Writes one JSON document, indented for people when they read it on a terminal. */
export function writeJson(env: CliEnv, value: unknown): void {
  env.stdout.write(`${JSON.stringify(value, undefined, env.stdout.isTTY ? 2 : undefined)}\n`);
}

/** Writes one YAML document. */
export async function writeYaml(env: CliEnv, value: unknown): Promise<void> {
  const { stringify } = await import('yaml');
  env.stdout.write(stringify(value));
}

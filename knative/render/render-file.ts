import { readFileSync } from 'node:fs';
import type { KubernetesObject } from './kubernetes-object.ts';
import { toYaml } from './yaml.ts';

/** Objects, or what is wrong with the text that they were to be made of: a line for each bad field. */
export type Rendering =
  | { readonly objects: readonly KubernetesObject[] }
  | { readonly problems: readonly string[] };

/**
 * Reads the file that the command line names, and prints what is rendered of it; or says what is wrong, with exit code 2.
 * @param usage the command, for who calls it in another way.
 */
export function renderFile(usage: string, render: (text: string) => Rendering): void {
  const [path, ...others] = process.argv.slice(2);
  if (path === undefined || others.length > 0) {
    fail([`usage: ${usage} (YAML or JSON; "-": standard input)`]);
    return;
  }
  let text: string;
  try {
    text = readFileSync(path === '-' ? 0 : path, 'utf8');
  } catch (error) {
    fail([`cannot read ${path}: ${error instanceof Error ? error.message : String(error)}`]);
    return;
  }
  const rendering = render(text);
  if ('problems' in rendering) fail(rendering.problems.map((problem) => `${path}: ${problem}`));
  else process.stdout.write(toYaml(rendering.objects));
}

function fail(lines: readonly string[]): void {
  process.stderr.write(lines.map((line) => `${line}\n`).join(''));
  process.exitCode = 2;
}

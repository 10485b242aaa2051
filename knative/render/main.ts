/* `npm run render -- FILE`: prints everything of an installation as YAML. */
import { readFileSync } from 'node:fs';
import { randomToken } from './random-token.ts';
import { readInstallation } from './read-installation.ts';
import { renderInstallation } from './render-installation.ts';
import { toYaml } from './yaml.ts';

const usage = 'usage: npm run render -- FILE (YAML or JSON; "-": standard input)';

function fail(lines: readonly string[]): void {
  process.stderr.write(lines.map((line) => `${line}\n`).join(''));
  process.exitCode = 2;
}

function read(path: string): string | undefined {
  try {
    return readFileSync(path === '-' ? 0 : path, 'utf8');
  } catch (error) {
    fail([`cannot read ${path}: ${error instanceof Error ? error.message : String(error)}`]);
    return undefined;
  }
}

const [path, ...others] = process.argv.slice(2);
if (path === undefined || others.length > 0) {
  fail([usage]);
} else {
  const text = read(path);
  const reading = text === undefined ? undefined : readInstallation(text);
  if (reading !== undefined && 'problems' in reading) {
    fail(reading.problems.map((problem) => `${path}: ${problem}`));
  } else if (reading !== undefined) {
    process.stdout.write(toYaml(renderInstallation(reading.installation, randomToken())));
  }
}

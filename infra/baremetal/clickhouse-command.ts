import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import process from 'node:process';
import { z } from 'zod';
import { embeddedCommand } from '../../functions/analytics/embedded-command.ts';
import { secretText } from '../../functions/host/secret-text.ts';

// Beside the launcher as `command.mjs`: writes what ClickHouse reads, and prints its command line, each argument with a zero behind
// it, for `run` to become it.

const settings = z.strictObject({
  dataDir: z.string().min(1),
  port: z.int().min(1).max(65_535),
  memoryBytes: z
    .int()
    .min(512 * 1024 ** 2)
    .optional(),
  password: secretText(z.string().regex(/^[\x21-\x7e]{16,}$/, 'must be 16 visible characters')),
});

function command([file, launcher, library]: readonly string[]): string {
  if (file === undefined || launcher === undefined || library === undefined) {
    throw new Error('usage: command.mjs FILE LAUNCHER LIBRARY');
  }
  const parsed = settings.safeParse(JSON.parse(readFileSync(file, 'utf8')));
  if (!parsed.success) throw new Error(`${file}:\n${z.prettifyError(parsed.error)}`);
  const { dataDir, port, password, memoryBytes } = parsed.data;
  const made = embeddedCommand({
    dataDir,
    port,
    password,
    programs: { launcher, library },
    ...(memoryBytes === undefined ? {} : { memoryBytes }),
  });
  mkdirSync(dataDir, { recursive: true, mode: 0o700 });
  for (const { path, content, mode } of made.files) writeFileSync(path, content, { mode });
  return [made.command, ...made.args].map((argument) => `${argument}\0`).join('');
}

try {
  process.stdout.write(command(process.argv.slice(2)));
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 2;
}

import { execFile } from 'node:child_process';
import { promisify } from 'node:util';

const execute = promisify(execFile);

/** Runs a program to its end; resolves to its stdout, rejects with its stderr in the message. */
export async function run(
  program: string,
  args: readonly string[],
  {
    cwd,
    environment = {},
  }: { readonly cwd?: string; readonly environment?: Readonly<Record<string, string>> } = {},
): Promise<string> {
  const env = { ...process.env, ...environment };
  const { stdout } = await execute(program, args, { cwd, env, maxBuffer: 64 * 2 ** 20 });
  return stdout;
}

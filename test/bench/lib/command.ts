import { execFile, spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';
import { promisify } from 'node:util';

const execute = promisify(execFile);

/** Runs a program to its end; resolves to its stdout, rejects with its stderr in the message. */
export async function run(
  program: string,
  args: readonly string[],
  signal?: AbortSignal,
): Promise<string> {
  const { stdout } = await execute(program, args, signal === undefined ? {} : { signal });
  return stdout;
}

/** Starts a program that stays; its output goes to stderr. */
export function start(program: string, args: readonly string[]): ChildProcess {
  return spawn(program, args, { stdio: ['ignore', process.stderr, process.stderr] });
}

/** Ends a child in order, by force after 8 s. */
export async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exit: Promise<unknown> = once(child, 'exit');
  child.kill('SIGTERM');
  const timer = setTimeout(() => child.kill('SIGKILL'), 8_000);
  await exit;
  clearTimeout(timer);
}

/** Throws an error that names every program that is not on the PATH, and missing root. */
export function need(programs: readonly string[]): void {
  if (process.getuid?.() !== 0) throw new Error('this bench needs root');
  const missing = programs.filter((program) => !isOnPath(program));
  if (missing.length > 0) throw new Error(`this bench needs ${missing.join(', ')} on the PATH`);
}

function isOnPath(program: string): boolean {
  return (process.env['PATH'] ?? '').split(delimiter).some((folder) => {
    try {
      accessSync(join(folder, program), constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}

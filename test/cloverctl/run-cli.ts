import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';

/** How a run of cloverctl ended. */
export interface CliResult {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

const bin = fileURLToPath(new URL('../../cloverctl/bin.mjs', import.meta.url));

/** Runs cloverctl as a process of its own, in an environment that holds only what is given. */
export async function runCli(
  args: readonly string[],
  options: {
    readonly variables?: Readonly<Record<string, string>>;
    readonly stdin?: string;
    /** Called with all of stdout so far; true ends the process with SIGINT. */
    readonly until?: (stdout: string) => boolean;
    /** Of another Clover. */
    readonly program?: string;
  } = {},
): Promise<CliResult> {
  const child = spawn(process.execPath, [options.program ?? bin, ...args], {
    env: { CLOVER_HOME: '/nonexistent', ...options.variables },
    stdio: 'pipe',
  });
  const exited: Promise<unknown> = once(child, 'exit');
  child.stdin.on('error', () => undefined).end(options.stdin ?? '');
  let stdout = '';
  let isStopped = false;
  child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
    stdout += chunk;
    // Once: a second signal would end it in the middle of its ending.
    if (isStopped || options.until?.(stdout) !== true) return;
    isStopped = child.kill('SIGINT');
  });
  const ended: Promise<unknown> = once(child.stdout, 'close');
  const stderr = await text(child.stderr);
  await Promise.all([exited, ended]);
  return { code: child.exitCode, stdout, stderr };
}

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { z } from 'zod';
import { CloverError } from '../functions/lib/errors.ts';
import type { CliEnv } from './env.ts';

const variables = ['CLOVER_EDITOR', 'VISUAL', 'EDITOR'] as const;
const fallback = 'vi';

const ending = z.tuple([z.int().nullable(), z.string().nullable()]);

/**
 * Opens a file in the user's editor, a command line of the shell, and resolves when it ends.
 * @param stop Ends the editor.
 * @throws CloverError CLV_CONFIG_INVALID when it cannot be run, or ends with a failure.
 */
export async function runEditor(
  path: string,
  env: Pick<CliEnv, 'variables'>,
  stop: AbortSignal,
): Promise<void> {
  stop.throwIfAborted();
  const name = variables.find((variable) => (env.variables[variable] ?? '').trim() !== '');
  const editor = (name === undefined ? undefined : env.variables[name]) ?? fallback;
  const child = spawn(...commandOf(editor, path), { env: { ...env.variables }, stdio: 'inherit' });
  const end = (): boolean => child.kill('SIGTERM');
  stop.addEventListener('abort', end);
  const said = `the editor ${JSON.stringify(editor)} (${name ?? `none of ${variables.join(', ')} is set`})`;
  try {
    const [code, signal] = ending.parse(await once(child, 'exit'));
    if (code === 0) return;
    const how = signal === null ? `with status ${code}` : `by ${signal}`;
    throw new CloverError('CLV_CONFIG_INVALID', `${said} ended ${how}; nothing was applied`);
  } catch (cause) {
    if (cause instanceof CloverError) throw cause;
    throw new CloverError('CLV_CONFIG_INVALID', `${said} cannot be run`, { cause });
  } finally {
    stop.removeEventListener('abort', end);
  }
}

/** As git does: words alone are run as they are, so that a signal reaches the editor; all else is the shell's. */
function commandOf(editor: string, path: string): [string, string[]] {
  const [program = fallback, ...args] = editor.trim().split(/\s+/);
  return /^[-\w./+:,@\s]+$/.test(editor)
    ? [program, [...args, path]]
    : ['sh', ['-c', `${editor} "$@"`, editor, path]];
}

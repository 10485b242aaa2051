import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { z } from 'zod';

const main = fileURLToPath(new URL('../../../agent/main.ts', import.meta.url));
const startLine = z.object({ msg: z.literal('agent started'), source: z.string(), port: z.int() });

/** The real agent as a process. */
export interface RunningAgent {
  readonly process: ChildProcess;
  readonly source: string;
  readonly url: string;
  /** Resolves to the exit code, or the name of the signal that ended it. */
  readonly ended: Promise<number | string>;
}

/**
 * Starts an agent on a configuration; its errors go to this process's stderr.
 * @param command default: `agent/main.ts`.
 */
export async function runAgent(
  dir: string,
  config: object,
  env: NodeJS.ProcessEnv = {},
  command: readonly string[] = [process.execPath, main],
): Promise<RunningAgent> {
  const { child, ended } = await spawnAgent(dir, JSON.stringify(config), 'inherit', env, command);
  if (child.stdout === null) throw new Error('no stdout');
  for await (const line of createInterface(child.stdout)) {
    const started = startLine.safeParse(JSON.parse(line)).data;
    if (started === undefined) continue;
    child.stdout.resume();
    const url = `http://127.0.0.1:${started.port}`;
    return { process: child, source: started.source, url, ended };
  }
  throw new Error(`the agent ended with ${await ended}`);
}

/** Starts `agent/main.ts` on a broken configuration; resolves to how it ended. */
export async function failAgent(
  dir: string,
  configText: string,
): Promise<{ code: number | string; stderr: string }> {
  const { child, ended } = await spawnAgent(dir, configText, 'pipe');
  let stderr = '';
  child.stderr?.on('data', (chunk: Buffer) => {
    stderr += chunk.toString();
  });
  return { code: await ended, stderr };
}

async function spawnAgent(
  dir: string,
  configText: string,
  stderr: 'inherit' | 'pipe',
  env: NodeJS.ProcessEnv = {},
  [program = '', ...args]: readonly string[] = [process.execPath, main],
): Promise<{ child: ChildProcess; ended: Promise<number | string> }> {
  const file = join(dir, 'agent.json');
  await writeFile(file, configText);
  const child = spawn(program, [...args, '--config', file], {
    stdio: ['ignore', 'pipe', stderr],
    env: { ...process.env, ...env },
  });
  const ended = once(child, 'close').then(() => child.exitCode ?? child.signalCode ?? 'unknown');
  return { child, ended };
}

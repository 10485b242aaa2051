import { spawn, type ChildProcess } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Logger } from 'pino';
import { CloverError } from '../lib/errors.ts';
import { freePort } from '../lib/free-port.ts';
import { embeddedCommand, type EmbeddedCommand } from './embedded-command.ts';

/** A running child. */
export interface EmbeddedClickHouse {
  readonly url: string;
  readonly username: string;
  readonly password: string;
  readonly pid: number;
  /** Ends the child and resolves when it is gone; safe to call twice. */
  stop(): Promise<void>;
}

/** Options of {@link startEmbeddedClickHouse}. */
export interface StartOptions {
  readonly dataDir: string;
  /** As {@link embeddedCommand} has it. */
  readonly host?: string;
  /** 0 (the default) picks a free port. */
  readonly httpPort?: number;
  readonly memoryBytes?: number;
  readonly log: Logger;
}

/**
 * Starts ClickHouse as a child of this process and waits until it answers. It dies with its parent.
 * @throws CloverError CLV_ANALYTICS_UNAVAILABLE with the child's last words when it does not come up.
 */
export async function startEmbeddedClickHouse(options: StartOptions): Promise<EmbeddedClickHouse> {
  const { dataDir, host, log, memoryBytes } = options;
  const password = await embeddedPassword(dataDir);
  const port = options.httpPort || (await freePort());
  const command = embeddedCommand({
    dataDir,
    port,
    password,
    ...(host === undefined ? {} : { host }),
    ...(memoryBytes === undefined ? {} : { memoryBytes }),
  });
  await writeEmbeddedFiles(command);

  const child = spawn(command.command, command.args, {
    cwd: dataDir,
    stdio: ['pipe', 'ignore', 'pipe'],
  });
  let words = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    words = (words + text).slice(-4_096);
  });
  const failed = new AbortController();
  child.once('error', (error) => failed.abort(error));
  // Not at its exit: its last words may still be on the way.
  child.once('close', (code, signal) => {
    failed.abort(new Error(`exited with ${signal ?? code}: ${words.trim()}`));
  });
  try {
    await ready(command.url, { signal: failed.signal });
  } catch (error) {
    await end(child);
    throw error;
  }
  const pid = child.pid ?? 0;
  log.info({ pid, url: command.url, dataDir }, 'ClickHouse is up');
  return { url: command.url, username: command.username, password, pid, stop: () => end(child) };
}

/**
 * Waits until a ClickHouse answers on its HTTP port.
 * @throws CloverError CLV_ANALYTICS_UNAVAILABLE at the time limit (default 30 s) or on abort.
 */
export async function ready(
  url: string,
  { timeoutMs = 30_000, signal }: { timeoutMs?: number; signal?: AbortSignal } = {},
): Promise<void> {
  const stop = AbortSignal.any([AbortSignal.timeout(timeoutMs), ...(signal ? [signal] : [])]);
  for (;;) {
    try {
      stop.throwIfAborted();
    } catch (cause) {
      const why = cause instanceof Error ? cause.message : String(cause);
      throw new CloverError('CLV_ANALYTICS_UNAVAILABLE', `ClickHouse at ${url} is not up: ${why}`, {
        cause,
        retryAfter: 1,
      });
    }
    if (await answers(url)) return;
    await sleep(25);
  }
}

async function answers(url: string): Promise<boolean> {
  try {
    const answer = await fetch(`${url}/ping`, { signal: AbortSignal.timeout(2_000) });
    return (await answer.text()) === 'Ok.\n';
  } catch {
    return false;
  }
}

/** The password of the ClickHouse in `dataDir`, made at the first call; only the owner may read it. */
export async function embeddedPassword(dataDir: string): Promise<string> {
  await mkdir(dataDir, { recursive: true, mode: 0o700 });
  const path = join(dataDir, 'password');
  try {
    await writeFile(path, randomBytes(24).toString('base64url'), { mode: 0o600, flag: 'wx' });
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'EEXIST')) throw error;
  }
  return await readFile(path, 'utf8');
}

/** Writes the files that the command reads. */
export async function writeEmbeddedFiles(command: EmbeddedCommand): Promise<void> {
  for (const { path, content, mode } of command.files) await writeFile(path, content, { mode });
}

async function end(child: ChildProcess): Promise<void> {
  if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return;
  const gone: Promise<unknown> = once(child, 'exit');
  // SIGTERM ends it in milliseconds, as safely as kill -9: parts are written by atomic rename.
  child.kill('SIGTERM');
  const late = setTimeout(() => child.kill('SIGKILL'), 5_000);
  await gone;
  clearTimeout(late);
}

import { closeSync, mkdirSync, openSync, readFileSync, rmSync, writeSync } from 'node:fs';
import { dirname } from 'node:path';
import process from 'node:process';
import { CloverError } from '../../functions/lib/errors.ts';
import type { CliEnv } from '../env.ts';

const patienceMs = 5_000;
const pauseMs = 20;

/**
 * Does work that no other process does at the same time: who makes the lock file, works. The work is synchronous, so
 * that no signal handler ends the process in the middle of it.
 * @throws CloverError CLV_CONFLICT after 5 s, with the process that holds the lock. A lock whose process was killed is not
 *   broken by itself: two that do so at once could both work.
 */
export async function withLock<T>(
  path: string,
  { clock, signal }: Pick<CliEnv, 'clock' | 'signal'>,
  work: () => T,
): Promise<T> {
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
  const deadline = clock.now() + patienceMs;
  while (!take(path)) {
    if (clock.now() >= deadline) throw held(path);
    await clock.sleep(pauseMs, signal);
  }
  try {
    return work();
  } finally {
    rmSync(path, { force: true });
  }
}

function take(path: string): boolean {
  try {
    const file = openSync(path, 'wx', 0o600);
    writeSync(file, `${process.pid}\n`);
    closeSync(file);
    return true;
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'EEXIST') return false;
    throw error;
  }
}

function held(path: string): CloverError {
  const holder = ownerOf(path);
  const message = `${path} is held by ${holder}: if that one does not run any more, remove the file`;
  return new CloverError('CLV_CONFLICT', message);
}

function ownerOf(path: string): string {
  try {
    return `process ${readFileSync(path, 'utf8').trim() || '?'}`;
  } catch {
    return 'another process';
  }
}

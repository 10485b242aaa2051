import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { CloverError } from '../../functions/lib/errors.ts';

const run = promisify(execFile);

/**
 * Runs commands of ip(8), one per line, in one process; stops at the first that fails.
 * @param namespace where to run them; absent means here.
 * @throws CloverError CLV_INTERNAL with what ip said.
 */
export async function ip(commands: readonly string[], namespace?: string): Promise<void> {
  // Not `ip -netns`: it mounts another /sys, and fails where the root is no mount point (chroot).
  const where = namespace === undefined ? [] : ['nsenter', `--net=/run/netns/${namespace}`, '--'];
  const [command, ...args] = [...where, 'ip', '-batch', '-'];
  const child = run(command, args);
  // When ip ends before it has read everything, its exit says why; the broken pipe is no news.
  child.child.stdin?.on('error', () => undefined);
  child.child.stdin?.end(`${commands.join('\n')}\n`);
  try {
    await child;
  } catch (cause) {
    const said = cause instanceof Error ? cause.message : String(cause);
    throw new CloverError('CLV_INTERNAL', `ip failed: ${said}`, { cause });
  }
}

/** Deletes those of the namespaces that exist; their veths go with them. */
export function deleteNamespaces(names: readonly string[]): Promise<void> {
  return deleteEach(names, 'netns', '/run/netns');
}

/** Deletes those of the links of this namespace that exist. */
export function deleteLinks(names: readonly string[]): Promise<void> {
  return deleteEach(names, 'link', '/sys/class/net');
}

/**
 * Deletes those of the routes that exist.
 * @param routes as {@link ip} takes them after `route delete`.
 */
export async function deleteRoutes(routes: readonly string[]): Promise<void> {
  for (const route of routes) {
    try {
      await ip([`route delete ${route}`]);
    } catch (error) {
      if (!(error instanceof Error && error.message.includes('No such process'))) throw error;
    }
  }
}

const deletedWithinMs = 5_000;

/**
 * One process each: another sweep, or the kernel, may be faster with any of them. A link of a
 * deleted namespace goes by the kernel's own hand, and for a while it can be seen but not named:
 * what is still there is tried again.
 */
async function deleteEach(
  names: readonly string[],
  object: 'netns' | 'link',
  folder: string,
): Promise<void> {
  for (const name of names) {
    const present = (): boolean => existsSync(`${folder}/${name}`);
    const deadline = Date.now() + deletedWithinMs;
    while (present()) {
      try {
        await ip([`${object} delete ${name}`]);
      } catch (error) {
        if (present() && Date.now() > deadline) throw error;
      }
      if (present()) await sleep(20);
    }
  }
}

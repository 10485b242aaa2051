import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
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
export async function deleteNamespaces(names: readonly string[]): Promise<void> {
  const present = names.filter((name) => existsSync(`/run/netns/${name}`));
  await deleteEach(present.map((name) => `netns delete ${name}`));
}

/** Deletes those of the links of this namespace that exist. */
export async function deleteLinks(names: readonly string[]): Promise<void> {
  const present = names.filter((name) => existsSync(`/sys/class/net/${name}`));
  await deleteEach(present.map((name) => `link delete ${name}`));
  // A link of a deleted namespace goes a moment later, by the kernel's own hand: wait for it.
  for (
    let tries = 0;
    tries < 100 && names.some((name) => existsSync(`/sys/class/net/${name}`));
    tries++
  ) {
    await new Promise((resolve) => {
      setTimeout(resolve, 20);
    });
  }
}

/** One process each: another sweep, or the kernel, may have been faster with any of them. */
async function deleteEach(commands: readonly string[]): Promise<void> {
  for (const command of commands) {
    try {
      await ip([command]);
    } catch (error) {
      const [, , name = ''] = command.split(' ');
      if (existsSync(`/run/netns/${name}`) || existsSync(`/sys/class/net/${name}`)) throw error;
    }
  }
}

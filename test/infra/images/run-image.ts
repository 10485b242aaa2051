import { execFile, spawn, type ChildProcessByStdio } from 'node:child_process';
import type { Readable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { z } from 'zod';

const run = promisify(execFile);

const repository = fileURLToPath(new URL('../../../', import.meta.url));
const unpacker = fileURLToPath(new URL('unpack.py', import.meta.url));

/** What `unpack.py` says. */
const unpacked = z.object({
  descriptor: z.object({
    digest: z.string(),
    platform: z.object({ architecture: z.string(), os: z.literal('linux') }),
  }),
  config: z.object({
    architecture: z.string(),
    config: z.object({
      User: z.string(),
      Env: z.array(z.string()),
      Entrypoint: z.array(z.string()),
      WorkingDir: z.string(),
      ExposedPorts: z.record(z.string(), z.object({})).exactOptional(),
    }),
  }),
  /** Every different owner and time of its files. */
  owners: z.array(z.tuple([z.int(), z.int(), z.string(), z.string(), z.int()])),
  names: z.array(z.string()),
});

/** An image on the disk. */
export type Unpacked = z.output<typeof unpacked>;

/** Runs `infra/images/images.ts`; throws with its exit code and what it said. */
export async function makeImages(...args: readonly string[]): Promise<string> {
  const { stdout } = await run(process.execPath, ['infra/images/images.ts', ...args], {
    cwd: repository,
    env: { ...process.env, REVISION: '0'.repeat(40), SOURCE_DATE_EPOCH: '1700000000' },
  });
  return stdout;
}

/** Unpacks an archive into a folder with Python's library. */
export async function unpack(archive: string, root: string): Promise<Unpacked> {
  const { stdout } = await run('python3', [unpacker, archive, root], { maxBuffer: 2 ** 24 });
  return unpacked.parse(JSON.parse(stdout));
}

// As a runtime does: /proc and /sys, the root read-only, then the image's own user. The agent has a volume for its spool; a folder
// `data`, which no image has, stands for a volume; functions have none.
const script = `set -e
root=$1 user=$2; shift 2
mount --bind "$root" "$root"
mount -t proc proc "$root/proc"
mount --rbind /sys "$root/sys"
mount -o remount,bind,ro "$root"
if [ "$user" = 0:0 ]; then mount -t tmpfs tmpfs "$root/tmp"; fi
if [ -d "$root/data" ]; then mount -t tmpfs -o mode=1777 tmpfs "$root/data"; fi
exec /usr/sbin/chroot --userspec="$user" "$root" "$@"`;

/** Starts an image's program in its unpacked root, which is read-only; extra arguments go behind its own. */
export function startImage(
  root: string,
  { config }: Unpacked['config'],
  env: Readonly<Record<string, string>>,
  ...args: readonly string[]
): ChildProcessByStdio<null, Readable, Readable> {
  const variables = config.Env.map((pair): [string, string] => {
    const at = pair.indexOf('=');
    return [pair.slice(0, at), pair.slice(at + 1)];
  });
  const shell = ['--mount', '--propagation', 'private', 'sh', '-c', script, 'sh'];
  return spawn('unshare', [...shell, root, config.User, ...config.Entrypoint, ...args], {
    // Node gives this one to every child that does not have it: a read-only root has no place for coverage.
    env: { ...Object.fromEntries(variables), ...env, NODE_V8_COVERAGE: '' },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
}

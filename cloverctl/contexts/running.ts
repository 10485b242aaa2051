import { readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import process from 'node:process';
import { z } from 'zod';
import { CloverError } from '../../functions/lib/errors.ts';
import type { CliEnv } from '../env.ts';
import { identify, isAlive, type ProcessIdentity } from '../supervisor/process-table.ts';
import { writeJson } from '../supervisor/stack-files.ts';

const published = z.strictObject({
  url: z.string(),
  token: z.string(),
  /** When it was published, Unix milliseconds. */
  at: z.int(),
});

/** A control plane that runs on this machine, as the process that runs it has published it. */
export interface RunningContext extends z.output<typeof published> {
  readonly name: string;
  readonly pid: number;
}

/** The name under which `up` and `demo --keep` publish what they run, unless told otherwise. */
export const localContext = 'local';

const folderOf = ({ home }: Pick<CliEnv, 'home'>): string => join(home, 'running');

/**
 * Publishes the control plane of this process for as long as it runs. Each process has a file of its own, which no
 * other one writes: of several with one name the newest counts, and when it ends, the one before.
 * @returns Takes it back. A process that was killed counts no more, either.
 */
export function publishContext(
  env: Pick<CliEnv, 'clock' | 'home'>,
  { name, url, token }: { readonly name: string; readonly url: string; readonly token: string },
): () => void {
  const owner = identify(process.pid);
  if (owner === undefined) throw new CloverError('CLV_INTERNAL', '/proc is not mounted');
  const folder = folderOf(env);
  const path = join(folder, `${owner.pid}-${owner.startTime}-${name}.json`);
  writeJson(path, { url, token, at: env.clock.now() });
  for (const file of filesIn(folder)) {
    if (!isAlive(file.owner)) rmSync(file.path, { force: true });
  }
  return () => rmSync(path, { force: true });
}

/**
 * What runs on this machine, the newest first.
 * @throws CloverError CLV_CONFIG_INVALID for a file that another version has written.
 */
export function runningContexts(env: Pick<CliEnv, 'home'>): RunningContext[] {
  return filesIn(folderOf(env))
    .filter(({ path, owner }) => path.endsWith('.json') && isAlive(owner))
    .flatMap(({ path, owner: { pid }, name }) => {
      const text = textOf(path);
      return text === undefined ? [] : [{ ...parse(path, text), name, pid }];
    })
    .sort((a, b) => b.at - a.at || b.pid - a.pid);
}

/** The process that this name of a context means, if one runs here. */
export function holderOf(name: string, env: Pick<CliEnv, 'home'>): RunningContext | undefined {
  return runningContexts(env).find((context) => context.name === name);
}

interface PublishedFile {
  readonly path: string;
  readonly owner: ProcessIdentity;
  readonly name: string;
}

function filesIn(folder: string): PublishedFile[] {
  let names: string[];
  try {
    names = readdirSync(folder);
  } catch {
    return [];
  }
  return names.flatMap((file) => {
    const [, pid, startTime, name] = /^(\d+)-(\d+)-(.+)\.json(?:\.part)?$/.exec(file) ?? [];
    if (pid === undefined || startTime === undefined || name === undefined) return [];
    return [{ path: join(folder, file), owner: { pid: Number(pid), startTime }, name }];
  });
}

/** Undefined for a file that was taken back just now. */
function textOf(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
}

function parse(path: string, text: string): z.output<typeof published> {
  try {
    return published.parse(JSON.parse(text));
  } catch {
    const message = `${path} is damaged: stop the process that wrote it, or remove the file`;
    throw new CloverError('CLV_CONFIG_INVALID', message);
  }
}

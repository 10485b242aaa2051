import { mkdirSync, readFileSync, readdirSync, rmdirSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { CloverError } from '../../functions/lib/errors.ts';
import { identify, type ProcessIdentity } from './process-table.ts';

const deletedWithinMs = 5_000;

/** Makes a folder of that name at the top of every hierarchy of control groups, of version 1 or 2. */
export function makeCgroup(name: string): void {
  for (const top of hierarchies()) {
    const folder = join(top, name);
    mkdirSync(folder, { recursive: true });
    // Version 1 lets no process into a set without processors and memory.
    for (const set of ['cpuset.cpus', 'cpuset.mems']) {
      const own = join(folder, set);
      const isEmpty = statSync(own, { throwIfNoEntry: false }) && read(own).trim() === '';
      const all = isEmpty ? read(join(top, set)).trim() : '';
      if (all !== '') writeFileSync(own, all);
    }
  }
}

/** Live processes in these control groups and in those below them. */
export function processesInCgroups(names: readonly string[]): ProcessIdentity[] {
  const pids = new Set(
    foldersOf(names)
      .flatMap((folder) => read(join(folder, 'cgroup.procs')).split('\n'))
      .map(Number)
      // Version 2 writes 0 for one that this namespace of pids cannot see.
      .filter((pid) => pid > 0),
  );
  return [...pids].flatMap((pid) => identify(pid) ?? []);
}

/**
 * Deletes these control groups with those below them, once nothing runs in them.
 * @throws CloverError CLV_INTERNAL when one is still held after 5 s.
 */
export async function deleteCgroups(names: readonly string[]): Promise<void> {
  const deadline = Date.now() + deletedWithinMs;
  for (;;) {
    // The deepest first: what is below has the longer path.
    const left = foldersOf(names).toSorted((a, b) => b.length - a.length);
    for (const folder of left) remove(folder);
    const held = foldersOf(names);
    if (held.length === 0) return;
    if (Date.now() > deadline) {
      throw new CloverError('CLV_INTERNAL', `still in use: the control group ${held.join(', ')}`);
    }
    await sleep(20);
  }
}

/** Where hierarchies are mounted; several names of one, as `cpu` and `cpuacct` may be, count once each. */
function hierarchies(): string[] {
  return readFileSync('/proc/self/mounts', 'utf8')
    .split('\n')
    .map((line) => line.split(' '))
    .flatMap(([, path, type]) =>
      path !== undefined && /^cgroup2?$/.test(type ?? '') ? [path] : [],
    );
}

function foldersOf(names: readonly string[]): string[] {
  return hierarchies().flatMap((top) => names.flatMap((name) => foldersFrom(join(top, name))));
}

function foldersFrom(folder: string): string[] {
  let entries: { readonly name: string; isDirectory(): boolean }[];
  try {
    entries = readdirSync(folder, { withFileTypes: true });
  } catch {
    return [];
  }
  const below = entries.filter((entry) => entry.isDirectory());
  return [folder, ...below.flatMap(({ name }) => foldersFrom(join(folder, name)))];
}

function remove(folder: string): void {
  try {
    rmdirSync(folder);
  } catch {
    // It is gone, or not empty yet.
  }
}

/** Empty where it is gone. */
function read(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}

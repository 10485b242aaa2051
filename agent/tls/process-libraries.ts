import { readFileSync, readlinkSync, statSync } from 'node:fs';
import { basename, join } from 'node:path';
import { foldersIn } from '../folders-in.ts';
import type { TlsLibrary } from '../../native/capture/tls-types.ts';

/** A TLS library that a process has mapped. */
export interface ProcessLibrary extends TlsLibrary {
  /** As the process calls it. */
  readonly file: string;
  /** As the agent opens it. */
  readonly path: string;
}

/** What a process shows of itself. */
export interface ProcessLook {
  /** When it began: ids of processes are given anew. */
  readonly started: string;
  /** `denied` where only CAP_SYS_PTRACE shows them. */
  readonly libraries: readonly ProcessLibrary[] | 'denied';
}

/** Looks into processes for TLS libraries. */
export interface ProcessLibraries {
  /** Processes of a cgroup v2 and of those below it. */
  processesIn(cgroup: string): readonly number[];
  /** Undefined without such a process. */
  lookInto(pid: number): ProcessLook | undefined;
}

/** What {@link processLibraries} needs. */
export interface ProcessLibrariesOptions {
  /** See `tlsLibraryOf`. */
  readonly libraryOf: (path: string) => TlsLibrary | undefined;
  /** `/proc` of the node's process namespace. */
  readonly proc?: string;
}

/** Libraries of another interface than OpenSSL's, by their files. */
const others: readonly (readonly [RegExp, string])[] = [
  [/^libgnutls\.so/, 'GnuTLS'],
  [/^libssl3\.so/, 'NSS'],
  [/^libjvm\.so/, 'Java'],
];

/** Files that are known; a node has some hundred. */
const mostFiles = 4_096;
/** A container may hold thousands. */
const mostProcesses = 256;

/** Finds them by what is mapped as code: whatever a program links, loads or has in itself, as far as its file tells. */
export function processLibraries({
  libraryOf,
  proc = '/proc',
}: ProcessLibrariesOptions): ProcessLibraries {
  /** By device, inode, size and time of change. */
  const known = new Map<string, TlsLibrary | undefined>();

  const libraryIn = (path: string, file: string): TlsLibrary | undefined => {
    const { dev, ino, size, mtimeMs } = statSync(path);
    const key = [dev, ino, size, mtimeMs].join();
    if (known.has(key)) return known.get(key);
    if (known.size >= mostFiles) known.clear();
    const other = others.find(([name]) => name.test(basename(file)))?.[1];
    const library =
      other === undefined ? libraryOf(path) : { name: other, version: '', readable: false };
    known.set(key, library);
    return library;
  };
  const librariesIn = (pid: number, file: string): readonly ProcessLibrary[] => {
    const path = join(proc, String(pid), 'root', file);
    try {
      const library = libraryIn(path, file);
      return library === undefined ? [] : [{ ...library, file, path }];
    } catch {
      // It was replaced since it was mapped, or the process has ended.
      return [];
    }
  };

  return {
    processesIn(cgroup) {
      const found: number[] = [];
      const visit = (folder: string): void => {
        for (const line of linesOf(join(folder, 'cgroup.procs'))) found.push(Number(line));
        for (const name of foldersIn(folder)) {
          if (found.length < mostProcesses) visit(join(folder, name));
        }
      };
      visit(cgroup);
      return found.slice(0, mostProcesses);
    },
    lookInto(pid) {
      const read = (name: string): string => readFileSync(join(proc, String(pid), name), 'utf8');
      let started: string | undefined;
      try {
        started = startTime(read('stat'));
        // Where its files cannot be opened, none of them would tell.
        readlinkSync(join(proc, String(pid), 'root'));
        const libraries = mappedFiles(read('maps')).flatMap((file) => librariesIn(pid, file));
        return { started, libraries };
      } catch (error) {
        return started !== undefined && isDenied(error)
          ? { started, libraries: 'denied' }
          : undefined;
      }
    },
  };
}

/** Files of which code is mapped, from the text of `/proc/<pid>/maps`. */
export function mappedFiles(maps: string): readonly string[] {
  const files = maps
    .split('\n')
    .map((line) => /^\S+ r.x\S \S+ \S+ \S+ +(\/.+)$/.exec(line)?.[1])
    .filter((file) => file !== undefined);
  return [...new Set(files)];
}

/** Field 22 of `/proc/<pid>/stat`; the second is a name, which may have anything in it. */
function startTime(stat: string): string {
  return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19] ?? '';
}

function isDenied(error: unknown): boolean {
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  return code === 'EACCES' || code === 'EPERM';
}

function linesOf(file: string): readonly string[] {
  try {
    return readFileSync(file, 'utf8').trim().split('\n').filter(Boolean);
  } catch {
    // It has gone meanwhile.
    return [];
  }
}

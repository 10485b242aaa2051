import { readdirSync, readFileSync, readlinkSync, statSync } from 'node:fs';

/** Names one process for good: a pid may be used again, a pid with its start time is not. */
export interface ProcessIdentity {
  readonly pid: number;
  /** Clock ticks after boot, field 22 of `/proc/<pid>/stat`. */
  readonly startTime: string;
}

/** Identity of a live process, or undefined where none has that pid (a zombie is not alive). */
export function identify(pid: number): ProcessIdentity | undefined {
  const fields = statFields(pid);
  const [state, startTime] = [fields[0], fields[19]];
  if (startTime === undefined || state === 'Z' || state === 'X') return undefined;
  return { pid, startTime };
}

/** Whether exactly this process is still running. */
export function isAlive(process: ProcessIdentity): boolean {
  return identify(process.pid)?.startTime === process.startTime;
}

/** Live processes whose environment had this assignment when they were started. */
export function processesMarked(name: string, value: string): ProcessIdentity[] {
  const wanted = `${name}=${value}`;
  return matching((pid) =>
    readFileSync(`/proc/${pid}/environ`, 'utf8').split('\0').includes(wanted),
  );
}

/** Live processes inside a named network namespace. */
export function processesInNamespace(name: string): ProcessIdentity[] {
  const inode = statOf(`/run/netns/${name}`);
  if (inode === undefined) return [];
  return matching((pid) => readlinkSync(`/proc/${pid}/ns/net`) === `net:[${inode}]`);
}

/** The members of a process group. */
export function processesOfGroup(group: number): ProcessIdentity[] {
  return matching((pid) => statFields(pid)[2] === String(group));
}

function matching(wanted: (pid: number) => boolean): ProcessIdentity[] {
  return readdirSync('/proc').flatMap((entry) => {
    const pid = Number(entry);
    if (!Number.isInteger(pid)) return [];
    try {
      const found = wanted(pid) ? identify(pid) : undefined;
      return found === undefined ? [] : [found];
    } catch {
      // It ended while we looked, or it is the kernel's own.
      return [];
    }
  });
}

/** Fields of `/proc/<pid>/stat` from the state on; the name before it may hold spaces and brackets. */
function statFields(pid: number): string[] {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'utf8');
    return text.slice(text.lastIndexOf(')') + 2).split(' ');
  } catch {
    return [];
  }
}

function statOf(path: string): bigint | undefined {
  return statSync(path, { bigint: true, throwIfNoEntry: false })?.ino;
}

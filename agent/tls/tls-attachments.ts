import type { Logger } from 'pino';
import type { Capture } from '../../native/capture/types.ts';
import type { ProcessLibraries, ProcessLook } from './process-libraries.ts';

/** A cgroup at which a pod is traced. */
export interface TlsPoint {
  readonly point: string;
  /** `namespace/name`. */
  readonly pod: string;
  /** A Tap of it asks for what it encrypts by itself. */
  readonly wanted: boolean;
}

/** A TLS library that processes of a pod have. */
export interface PodTls {
  /** `namespace/name`. */
  readonly pod: string;
  readonly library: string;
  /** Empty where its file does not tell it. */
  readonly version: string;
  /** As the processes call it. */
  readonly file: string;
  readonly processes: number;
  /** A Tap of the pod asks for it. */
  readonly wanted: boolean;
  /** What is said by it is read. */
  readonly read: boolean;
  /** Where it is not: the reason, for people. */
  readonly why?: string;
}

/** Which processes are read at their TLS libraries. */
export interface TlsAttachments {
  /** Looks for processes and libraries that are new, and attaches to those that are wanted; to be called now and then. */
  reconcile(points: readonly TlsPoint[]): void;
  detachAll(): void;
  seen(): readonly PodTls[];
}

/** What {@link createTlsAttachments} needs. */
export interface TlsAttachmentsOptions {
  readonly capture: Pick<Capture, 'attachProcess' | 'detachProcess'>;
  readonly processes: ProcessLibraries;
  /** Of a clock that never goes back. */
  readonly nowMs: () => number;
  readonly log: Logger;
}

/** A process that was looked into. */
interface Known extends ProcessLook {
  /** Files at which it is read. */
  readonly attached: Set<string>;
  /** Files at which it could not be read, and why. */
  readonly refused: Map<string, string>;
  readonly waitMs: number;
  readonly againMs: number;
}

/** A point that was looked at. */
interface Look extends TlsPoint {
  readonly processes: Map<number, Known>;
  againMs: number;
}

/** A program may load a library long after it began: each wait is twice the one before. */
const firstWaitMs = 1_000;
const longestWaitMs = 60_000;
/** Of a pod that is not read the libraries are only told. */
const toldEveryMs = 60_000;
/** At one time: a look takes some ms, and to attach some 100 ms. */
const mostPoints = 50;
const mostLooks = 20;
const mostAttached = 3;

/** Nothing attached yet. */
export function createTlsAttachments(options: TlsAttachmentsOptions): TlsAttachments {
  const { capture, processes, nowMs, log } = options;
  const looks = new Map<string, Look>();
  let left = { looks: mostLooks, attached: mostAttached };

  const detach = (pid: number, { attached }: Known): void => {
    if (attached.size > 0) capture.detachProcess(pid);
    attached.clear();
  };
  const forget = (look: Look): void => {
    for (const [pid, known] of look.processes) detach(pid, known);
    looks.delete(look.point);
  };

  const attach = ({ point, pod }: Look, pid: number, known: Known): void => {
    if (known.libraries === 'denied') return;
    for (const { path, file, readable, name } of known.libraries) {
      if (!readable || known.attached.has(path) || known.refused.has(path)) continue;
      try {
        capture.attachProcess(pid, point, path);
        known.attached.add(path);
        left.attached -= 1;
        log.info({ pod, pid, file, library: name }, 'attached to TLS');
      } catch (error) {
        known.refused.set(path, error instanceof Error ? error.message : String(error));
        log.error({ err: error, pod, pid, file }, 'cannot attach to TLS');
      }
    }
  };

  const lookInto = (look: Look, pid: number): void => {
    left.looks -= 1;
    const found = processes.lookInto(pid);
    if (found === undefined) return;
    const last = look.processes.get(pid);
    const before = last?.started === found.started ? last : undefined;
    if (last !== undefined && before === undefined) detach(pid, last);
    const waitMs = Math.min(longestWaitMs, (before?.waitMs ?? firstWaitMs / 2) * 2);
    const known: Known = {
      ...found,
      attached: before?.attached ?? new Set<string>(),
      refused: before?.refused ?? new Map<string, string>(),
      waitMs,
      // Of what is only told, nobody waits for a library for ever.
      againMs: look.wanted || waitMs < longestWaitMs ? nowMs() + waitMs : Infinity,
    };
    look.processes.set(pid, known);
    if (look.wanted) attach(look, pid, known);
  };

  const lookAt = (look: Look): void => {
    const there = new Set(processes.processesIn(look.point));
    for (const [pid, known] of look.processes) {
      if (there.has(pid)) continue;
      detach(pid, known);
      look.processes.delete(pid);
    }
    const isDue = (pid: number): boolean => (look.processes.get(pid)?.againMs ?? 0) <= nowMs();
    const due = [...there].filter(isDue);
    for (const pid of due) if (left.looks > 0 && left.attached > 0) lookInto(look, pid);
    const isDone = due.every((pid) => !isDue(pid));
    look.againMs = nowMs() + (look.wanted || !isDone ? 0 : toldEveryMs);
  };

  return {
    reconcile(points) {
      const wanted = new Map(points.map((one) => [one.point, one]));
      for (const look of looks.values()) {
        const now = wanted.get(look.point);
        if (now === undefined || now.pod !== look.pod || now.wanted !== look.wanted) forget(look);
      }
      for (const one of points) {
        if (!looks.has(one.point))
          looks.set(one.point, { ...one, processes: new Map(), againMs: 0 });
      }
      const due = [...looks.values()]
        .filter(({ againMs }) => againMs <= nowMs())
        .toSorted((a, b) => Number(b.wanted) - Number(a.wanted) || a.againMs - b.againMs);
      left = { looks: mostLooks, attached: mostAttached };
      for (const look of due.slice(0, mostPoints)) lookAt(look);
    },
    detachAll() {
      for (const look of looks.values()) forget(look);
    },
    seen: () => [...looks.values()].flatMap(tellAll),
  };
}

/** One of each library and state. */
function tellAll(look: Look): readonly PodTls[] {
  const told = new Map<string, PodTls>();
  for (const known of look.processes.values()) {
    for (const one of tell(look, known)) {
      const key = [one.library, one.file, one.why].join();
      told.set(key, { ...one, processes: (told.get(key)?.processes ?? 0) + 1 });
    }
  }
  return [...told.values()];
}

function tell({ pod, wanted }: Look, { libraries, attached, refused }: Known): readonly PodTls[] {
  if (libraries === 'denied') {
    const nobody = {
      library: 'unknown',
      version: '',
      file: '*',
      processes: 1,
      wanted,
      read: false,
    };
    const why =
      'only CAP_SYS_PTRACE shows what its processes have: agent.tls of the installation gives it';
    return [{ pod, ...nobody, why }];
  }
  return libraries.map(({ name: library, version, file, path, readable }) => {
    const found = { pod, library, version, file, processes: 1, wanted };
    if (attached.has(path)) return { ...found, read: true };
    const why = refused.get(path) ?? whyNot(library, readable, wanted);
    return { ...found, read: false, why };
  });
}

function whyNot(library: string, readable: boolean, wanted: boolean): string {
  if (readable) return wanted ? 'it was found just now' : 'no Tap of it asks for tls';
  if (library === 'OpenSSL' || library === 'BoringSSL')
    return 'it is linked statically, and the file is stripped of the names of its functions';
  if (library === 'Go crypto/tls') return 'its functions cannot be found: Go is older than 1.18';
  return `${library} has other functions than OpenSSL`;
}

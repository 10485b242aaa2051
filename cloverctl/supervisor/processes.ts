import { spawn, type ChildProcess } from 'node:child_process';
import { closeSync, mkdirSync, openSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import process from 'node:process';
import type { Readable, Writable } from 'node:stream';
import type { Logger } from 'pino';
import { systemClock, type Clock } from '../../functions/lib/clock.ts';
import { CloverError } from '../../functions/lib/errors.ts';
import { identify, isAlive, type ProcessIdentity } from './process-table.ts';
import { runMark, type RunFolder } from './run-record.ts';
import { killGroup, terminate } from './terminate.ts';

/** What to start and how to look after it. */
export interface ProcessSpec {
  /** Unique among the live processes of the run; names the log file. */
  readonly name: string;
  readonly command: string;
  readonly args: readonly string[];
  readonly cwd?: string;
  readonly env?: Readonly<Record<string, string>>;
  /** Network namespace to run in; absent means the supervisor's own. */
  readonly namespace?: string;
  /** Pid of a process whose mounts it sees; absent means the supervisor's own. */
  readonly mountsOf?: number;
  /** Keep a pipe to its standard input, which closes with the supervisor. */
  readonly stdin?: boolean;
  /** Give standard output to the caller; else it goes to the log. */
  readonly stdout?: boolean;
  /** Start it again with back-off whenever it ends by itself. */
  readonly restart?: boolean;
  /** How long it may take to end after SIGTERM, in milliseconds. Default 5 000. */
  readonly graceMs?: number;
}

/** How a process ended. */
export interface ProcessExit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

/** One live process of a supervisor. */
export interface RunningProcess extends ProcessIdentity {
  readonly spec: ProcessSpec;
  readonly stdin: Writable | null;
  readonly stdout: Readable | null;
  readonly exited: Promise<ProcessExit>;
}

/** Starts, watches and ends the processes of one run. */
export interface Supervisor {
  /**
   * @throws CloverError CLV_INTERNAL when the command cannot be run, CLV_CONFLICT when one of that
   * name is running, or everything is being stopped.
   */
  start(spec: ProcessSpec): Promise<RunningProcess>;
  /** The live process of that name, or undefined. */
  get(name: string): RunningProcess | undefined;
  /** Ends one process, SIGTERM first; it is not started again. */
  stop(name: string): Promise<void>;
  /** SIGKILL as a crash would be: nothing is tidied, and it is not started again by itself. */
  kill(name: string): Promise<void>;
  /** Starts a process that has ended, as it was started before. */
  restart(name: string): Promise<RunningProcess>;
  /** Ends everything, the newest first. */
  stopAll(): Promise<void>;
  /** The last lines of a process's log. */
  tail(name: string, lines?: number): string;
}

/** What a supervisor works with. */
export interface SupervisorOptions {
  readonly run: RunFolder;
  readonly log: Logger;
  readonly clock?: Clock;
}

const firstBackOffMs = 200;
const longestBackOffMs = 10_000;

/** A supervisor whose processes live in groups of their own and stand in the run's record. */
export function createSupervisor(options: SupervisorOptions): Supervisor {
  const { run, log, clock = systemClock } = options;
  const logs = join(run.path, 'logs');
  mkdirSync(logs, { recursive: true });
  const live = new Map<string, RunningProcess>();
  const specs = new Map<string, ProcessSpec>();
  /** Names that may not be started again by themselves. */
  const released = new Set<string>();
  const crashes = new Map<string, number>();
  let closing = false;

  const launch = async (spec: ProcessSpec): Promise<RunningProcess> => {
    if (closing) throw new CloverError('CLV_CONFLICT', 'the supervisor is stopping');
    if (live.has(spec.name)) throw new CloverError('CLV_CONFLICT', `${spec.name} runs already`);
    const [command, ...args] = commandLine(spec);
    const sink = openSync(join(logs, `${spec.name}.log`), 'a', 0o640);
    const child = spawn(command ?? spec.command, args, {
      detached: true,
      ...(spec.cwd === undefined ? {} : { cwd: spec.cwd }),
      env: { ...process.env, ...spec.env, [runMark]: run.path },
      stdio: [spec.stdin ? 'pipe' : 'ignore', spec.stdout ? 'pipe' : sink, sink],
    });
    closeSync(sink);
    const identity = await spawned(child, spec);
    run.update((record) => ({
      processes: [
        ...record.processes,
        { name: spec.name, ...identity, command: [...commandLine(spec)] },
      ],
    }));
    const started: RunningProcess = {
      ...identity,
      spec,
      stdin: child.stdin,
      stdout: child.stdout,
      exited: exitOf(child),
    };
    live.set(spec.name, started);
    void started.exited.then((exit) => ended(started, exit));
    return started;
  };

  const ended = (gone: RunningProcess, exit: ProcessExit): void => {
    const { name, restart } = gone.spec;
    live.delete(name);
    run.update((record) => ({
      processes: record.processes.filter(({ pid }) => pid !== gone.pid),
    }));
    if (closing || released.has(name)) return;
    const level = exit.code === 0 && restart !== true ? 'info' : 'warn';
    log[level]({ process: name, ...exit }, 'process ended by itself');
    // What it had started may still hold its ports and files.
    killGroup(gone);
    if (restart === true) void again(gone.spec);
  };

  const again = async (spec: ProcessSpec): Promise<void> => {
    const count = crashes.get(spec.name) ?? 0;
    crashes.set(spec.name, count + 1);
    await clock.sleep(Math.min(firstBackOffMs * 2 ** count, longestBackOffMs));
    if (closing || released.has(spec.name) || live.has(spec.name)) return;
    try {
      await launch(spec);
    } catch (error) {
      log.error({ err: error, process: spec.name }, 'process cannot be started again');
      void again(spec);
    }
  };

  const stop = async (name: string): Promise<void> => {
    released.add(name);
    const target = live.get(name);
    if (target === undefined) return;
    target.stdin?.end();
    await terminate([target], target.spec.graceMs ?? 5_000, clock);
    killGroup(target);
    await target.exited;
  };

  return {
    start(spec) {
      specs.set(spec.name, spec);
      released.delete(spec.name);
      crashes.delete(spec.name);
      return launch(spec);
    },
    get: (name) => live.get(name),
    stop,
    async kill(name) {
      released.add(name);
      const target = live.get(name);
      if (target === undefined) return;
      if (isAlive(target)) process.kill(target.pid, 'SIGKILL');
      await target.exited;
    },
    restart(name) {
      const spec = specs.get(name);
      if (spec === undefined) throw new CloverError('CLV_NOT_FOUND', `no process ${name}`);
      released.delete(name);
      return launch(spec);
    },
    async stopAll() {
      closing = true;
      for (const name of [...live.keys()].toReversed()) await stop(name);
    },
    tail(name, lines = 20) {
      try {
        const text = readFileSync(join(logs, `${name}.log`), 'utf8').trimEnd();
        return text.split('\n').slice(-lines).join('\n');
      } catch {
        return '';
      }
    },
  };
}

/** nsenter execs, so that the pid is the command's own. `ip netns exec` would mount another /sys. */
function commandLine(spec: ProcessSpec): readonly string[] {
  const inside = [spec.command, ...spec.args];
  const { namespace, mountsOf } = spec;
  const into = [
    ...(namespace === undefined ? [] : [`--net=/run/netns/${namespace}`]),
    ...(mountsOf === undefined ? [] : [`--mount=/proc/${mountsOf}/ns/mnt`]),
  ];
  return into.length === 0 ? inside : ['nsenter', ...into, '--', ...inside];
}

async function spawned(child: ChildProcess, spec: ProcessSpec): Promise<ProcessIdentity> {
  await new Promise<void>((resolve, reject) => {
    child.once('spawn', resolve);
    child.once('error', (cause) => {
      reject(
        new CloverError('CLV_INTERNAL', `cannot run ${spec.command}: ${cause.message}`, { cause }),
      );
    });
  });
  const pid = child.pid ?? 0;
  // One that ended at once is a zombie until its exit is delivered; its start time no longer matters.
  return identify(pid) ?? { pid, startTime: '0' };
}

function exitOf(child: ChildProcess): Promise<ProcessExit> {
  return new Promise((resolve) => {
    child.once('exit', (code, signal) => resolve({ code, signal }));
  });
}

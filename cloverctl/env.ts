import { homedir } from 'node:os';
import { join } from 'node:path';
import { setMaxListeners } from 'node:events';
import { systemClock, type Clock } from '../functions/lib/clock.ts';
import { exitCodes } from './exit-codes.ts';
import { wantsColour } from './output/colour.ts';

/** What a command may touch of the process around it. */
export interface CliEnv {
  readonly variables: Readonly<Record<string, string | undefined>>;
  readonly stdin: NodeJS.ReadStream;
  readonly stdout: NodeJS.WriteStream;
  readonly stderr: NodeJS.WriteStream;
  readonly clock: Clock;
  /** Folder of contexts and of local data: CLOVER_HOME, or `~/.clover`. */
  readonly home: string;
  /** Whether standard output gets colours. */
  readonly colour: boolean;
  /** Whether standard error gets colours. */
  readonly errorColour: boolean;
  /**
   * Aborted by SIGINT, SIGTERM and SIGHUP, and when nobody takes the output any more. A second
   * signal ends the process at once, unless it was told to `hold`.
   */
  readonly signal: AbortSignal;
  /**
   * From now on no signal ends the process: it has something to take down first. Each further one
   * is `heard`.
   */
  readonly hold: (heard?: (signal: StopSignal) => void) => void;
  /** Sets the exit code without ending anything; the first one other than 0 stays. */
  readonly fail: (code: number) => void;
}

const endings = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

/** A signal that asks the process to end. */
type StopSignal = (typeof endings)[number];

/** The environment of a real process. */
export function createCliEnv(host: NodeJS.Process): CliEnv {
  const { env: variables, stdin, stdout, stderr } = host;
  const args = host.argv.slice(2);
  const stopping = new AbortController();
  setMaxListeners(0, stopping.signal);
  for (const name of endings) {
    host.once(name, () => stopping.abort(new Error(`stopped by ${name}`)));
  }
  const fail = (code: number): void => {
    if ((host.exitCode ?? 0) === 0) host.exitCode = code;
  };
  stdout.on('error', (error: NodeJS.ErrnoException) => {
    // A reader that has seen enough, such as head, is no error.
    if (error.code !== 'EPIPE') fail(exitCodes.failed);
    stopping.abort(error);
  });
  // Where errors are told there is nobody left to tell them to.
  stderr.on('error', () => stopping.abort(new Error('standard error is closed')));
  return {
    variables,
    stdin,
    stdout,
    stderr,
    clock: systemClock,
    home: variables['CLOVER_HOME'] ?? join(homedir(), '.clover'),
    colour: wantsColour(args, variables, stdout.isTTY),
    errorColour: wantsColour(args, variables, stderr.isTTY),
    signal: stopping.signal,
    hold: (heard) => {
      for (const name of endings) host.on(name, () => heard?.(name));
    },
    fail,
  };
}

/** Resolves once the signal is aborted. */
export function untilStopped(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    signal.addEventListener('abort', () => resolve(), { once: true });
  });
}

import { homedir } from 'node:os';
import { join } from 'node:path';
import { setMaxListeners } from 'node:events';
import { systemClock, type Clock } from '../functions/lib/clock.ts';

/** What a command may touch of the process around it. */
export interface CliEnv {
  readonly variables: Readonly<Record<string, string | undefined>>;
  readonly stdin: NodeJS.ReadStream;
  readonly stdout: NodeJS.WriteStream;
  readonly stderr: NodeJS.WriteStream;
  readonly clock: Clock;
  /** Folder of the context file and of local data: CLOVER_HOME, or `~/.clover`. */
  readonly home: string;
  /** Whether the screen takes colours: it is a terminal and NO_COLOR is not set. */
  readonly colour: boolean;
  /** Aborted by SIGINT, SIGTERM and SIGHUP; a second signal ends the process at once. */
  readonly signal: AbortSignal;
  /** Sets the exit code without ending anything; the first one other than 0 stays. */
  readonly fail: (code: number) => void;
}

/** The environment of a real process. */
export function createCliEnv(host: NodeJS.Process): CliEnv {
  const { env: variables, stdin, stdout, stderr } = host;
  const stopping = new AbortController();
  setMaxListeners(0, stopping.signal);
  for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    host.once(name, () => stopping.abort(new Error(`stopped by ${name}`)));
  }
  return {
    variables,
    stdin,
    stdout,
    stderr,
    clock: systemClock,
    home: variables['CLOVER_HOME'] ?? join(homedir(), '.clover'),
    colour: stdout.isTTY && (variables['NO_COLOR'] ?? '') === '',
    signal: stopping.signal,
    fail: (code) => {
      if ((host.exitCode ?? 0) === 0) host.exitCode = code;
    },
  };
}

import { writeSync } from 'node:fs';
import type { Logger } from 'pino';
import type { Log, LogLevel } from '../lib/log.ts';
import { levelNumbers, logLine } from './log-line.ts';

/** Options of {@link createLateLog}. */
export interface LateLogOptions {
  /** Lines below it are not written. */
  readonly level: keyof typeof levelNumbers;
  /** Fields of every line. */
  readonly base: Readonly<Record<string, unknown>>;
}

/** Long enough for the request that a cold start is for, on a busy node too: to load pino takes its time from that. */
const waitMs = 1_000;

interface Line {
  readonly level: LogLevel;
  readonly time: number;
  readonly fields: object;
  readonly message: string | undefined;
}

/**
 * A log that loads pino a second after its first line: until then it writes lines itself, as pino would, for to load pino takes a
 * tenth of a cold start.
 */
export function createLateLog({ level: least, base }: LateLogOptions): Log {
  let pinoLog: Logger | undefined;
  let isLoading = false;
  /** Time of the line that is being written. */
  let time = 0;

  const load = async (): Promise<void> => {
    const { pino } = await import('pino');
    pinoLog = pino({ level: least, base, timestamp: () => `,"time":${time}` });
  };
  const take = (line: Line): void => {
    ({ time } = line);
    const { level, fields, message } = line;
    if (pinoLog !== undefined) return pinoLog[level](fields, message);
    writeSync(1, `${logLine({ level: levelNumbers[level], time, ...base }, fields, message)}\n`);
    if (isLoading) return;
    isLoading = true;
    // It holds no process that has nothing else to do.
    setTimeout(() => void load(), waitMs).unref();
  };
  const bound = (own: object): Log => {
    const writer =
      (level: LogLevel) =>
      (first: object | string, message?: string): void => {
        if (levelNumbers[level] < levelNumbers[least]) return;
        const [fields, said] = typeof first === 'string' ? [{}, first] : [first, message];
        take({ level, time: Date.now(), fields: { ...own, ...fields }, message: said });
      };
    return {
      debug: writer('debug'),
      info: writer('info'),
      warn: writer('warn'),
      error: writer('error'),
      fatal: writer('fatal'),
      child: (fields) => bound({ ...own, ...fields }),
      isLevelEnabled: (level) => levelNumbers[level] >= levelNumbers[least],
    };
  };
  return bound({});
}

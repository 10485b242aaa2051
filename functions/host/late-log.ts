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

/** Long enough for the request that a cold start is for. */
const waitMs = 100;

interface Line {
  readonly level: LogLevel;
  readonly time: number;
  readonly fields: object;
  readonly message: string | undefined;
}

/**
 * A log that loads pino a moment after its first line, not before it: most cold starts have nothing to tell, and the
 * others tell it while nobody waits. Lines keep their time. What still waits when the process ends is written then.
 */
export function createLateLog({ level: least, base }: LateLogOptions): Log {
  let pinoLog: Logger | undefined;
  let waiting: Line[] = [];
  /** Time of the line that is being written. */
  let time = 0;

  const load = async (): Promise<void> => {
    const { pino } = await import('pino');
    pinoLog = pino({ level: least, base, timestamp: () => `,"time":${time}` });
    for (const line of waiting) write(line);
    waiting = [];
  };
  const write = (line: Line): void => {
    ({ time } = line);
    pinoLog?.[line.level](line.fields, line.message);
  };
  const take = (line: Line): void => {
    if (pinoLog !== undefined) return write(line);
    waiting.push(line);
    if (waiting.length > 1) return;
    process.once('exit', () => {
      for (const left of waiting) {
        const { level, fields, message } = left;
        const head = { level: levelNumbers[level], time: left.time, ...base };
        writeSync(1, `${logLine(head, fields, message)}\n`);
      }
    });
    setTimeout(() => void load(), waitMs);
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

import { writeSync } from 'node:fs';
import type { Logger } from 'pino';
import type { Log, LogLevel } from '../lib/log.ts';

/** Options of {@link createLateLog}. */
export interface LateLogOptions {
  /** Lines below it are not written. */
  readonly level: LogLevel | 'silent';
  /** Fields of every line. */
  readonly base: Readonly<Record<string, unknown>>;
}

/** Pino's numbers. */
const numbers = { debug: 20, info: 30, warn: 40, error: 50, fatal: 60, silent: Infinity } as const;
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
      for (const left of waiting) writeSync(1, `${text(base, left)}\n`);
    });
    setTimeout(() => void load(), waitMs);
  };
  const bound = (own: object): Log => {
    const writer =
      (level: LogLevel) =>
      (first: object | string, message?: string): void => {
        if (numbers[level] < numbers[least]) return;
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
      isLevelEnabled: (level) => numbers[level] >= numbers[least],
    };
  };
  return bound({});
}

/** The line as pino writes it. */
function text(base: object, { level, time, fields, message }: Line): string {
  return JSON.stringify({ level: numbers[level], time, ...base, ...fields, msg: message }, plain);
}

function plain(_name: string, value: unknown): unknown {
  if (!(value instanceof Error)) return value;
  const { name: type, message, stack } = value;
  return { type, message, stack };
}

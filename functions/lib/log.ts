/** How much a log line matters. */
export type LogLevel = 'debug' | 'info' | 'warn' | 'error' | 'fatal';

interface Write {
  (message: string): void;
  /** @param fields `err` is an error, told with its stack and causes. */
  (fields: object, message?: string): void;
}

/** A structured log. Implementations: pino's Logger; the one of functions/host/late-log.ts. */
export interface Log extends Readonly<Record<LogLevel, Write>> {
  /** A log whose lines have these fields too. */
  child(fields: Record<string, unknown>): Log;
  isLevelEnabled(level: LogLevel): boolean;
}

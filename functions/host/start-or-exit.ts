import { writeSync } from 'node:fs';

/**
 * Starts what a process is for. What keeps it from starting, such as a bad environment, is one line on standard error, and
 * the process ends with 2.
 */
export function startOrExit(start: () => Promise<unknown>): void {
  start().catch((error: unknown) => {
    writeSync(2, `${error instanceof Error ? error.message : String(error)}\n`);
    // Whatever was opened before, such as an exporter, does not hold the process.
    process.exit(2);
  });
}

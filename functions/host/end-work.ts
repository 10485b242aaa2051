import type { Runner } from './runner.ts';

/** What still runs so many milliseconds after a drain began is aborted: less than a supervisor waits. */
const defaultAbortAfterMs = 20_000;

/**
 * Waits for the end of everything that is under way. After a while the handlers that still run are aborted, and nothing
 * begins any more: whoever waits gets an answer, a batch with the results that it has.
 */
export async function endWork(
  runner: Pick<Runner, 'abort'>,
  work: readonly Promise<void>[],
  abortAfterMs = defaultAbortAfterMs,
): Promise<void> {
  const timer = setTimeout(() => runner.abort(), abortAfterMs);
  try {
    await Promise.all(work);
  } finally {
    clearTimeout(timer);
  }
}

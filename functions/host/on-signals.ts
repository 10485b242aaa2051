import type { Log } from '../lib/log.ts';
import type { Serving } from './serve.ts';

/** Options of {@link endOnSignals}. */
export interface SignalOptions {
  readonly serving: Pick<Serving, 'drain' | 'pending'>;
  /** Releases what is left after the drain. */
  readonly release: () => Promise<void>;
  readonly log: Log;
  /** Milliseconds that a drain may take. Default 30 000. */
  readonly limitMs?: number;
}

/**
 * Ends the process on SIGTERM or SIGINT: in order and with 0 after the first signal, at once and
 * with 1 after a second one or when the drain takes too long. What was cut is logged by number.
 */
export function endOnSignals({ serving, release, log, limitMs = 30_000 }: SignalOptions): void {
  let asked = false;
  const cut = (why: string): never => {
    log.warn({ cut: serving.pending() }, `${why}: ending at once`);
    process.exit(1);
  };
  const end = async (): Promise<void> => {
    try {
      await serving.drain();
      await release();
    } catch (error) {
      log.fatal({ err: error }, 'the drain failed');
      process.exit(1);
    }
    log.info('drained');
    process.exit(0);
  };
  const onSignal = (signal: NodeJS.Signals): void => {
    if (asked) cut(`second signal (${signal})`);
    asked = true;
    log.info({ signal, pending: serving.pending() }, 'draining');
    // It keeps the process: a close() that waits for what holds no handle must not end it as if all were drained.
    setTimeout(() => cut(`the drain took more than ${limitMs} ms`), limitMs);
    void end();
  };
  process.on('SIGTERM', onSignal);
  process.on('SIGINT', onSignal);
}

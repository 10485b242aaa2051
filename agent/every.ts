import { systemClock } from '../functions/lib/clock.ts';

/** Work that is repeated until it is stopped. */
export interface Repeated {
  /** Starts no further round and resolves when the running one is over. */
  stop(): Promise<void>;
}

/**
 * Runs `work` now and then every `ms` from start to start; a round that takes longer delays the
 * next one, and rounds never overlap.
 *
 * @param work must not reject.
 */
export function every(ms: number, work: (signal: AbortSignal) => Promise<void>): Repeated {
  const abort = new AbortController();
  const loop = async (): Promise<void> => {
    while (!abort.signal.aborted) {
      const started = systemClock.now();
      await work(abort.signal);
      const rest = Math.max(0, started + ms - systemClock.now());
      await systemClock.sleep(rest, abort.signal).catch(() => undefined);
    }
  };
  const running = loop();
  return {
    async stop() {
      abort.abort();
      await running;
    },
  };
}

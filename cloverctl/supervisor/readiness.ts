import { request } from 'node:http';
import { systemClock, type Clock } from '../../functions/lib/clock.ts';
import { CloverError } from '../../functions/lib/errors.ts';
import type { Supervisor } from './processes.ts';

/** Where a process says that it is ready, with a 2xx. */
export type ReadinessProbe =
  | { readonly url: string }
  | { readonly socketPath: string; readonly path: string };

/** Options of {@link waitUntilReady}. */
export interface ReadinessOptions {
  readonly supervisor: Supervisor;
  /** Name of the process. */
  readonly name: string;
  readonly probe: ReadinessProbe;
  /** Milliseconds. Default 30 000. */
  readonly withinMs?: number;
  /** Where it logs, if not to its standard output. */
  readonly logTail?: () => string;
  readonly clock?: Clock;
}

/**
 * Waits until a process answers its probe.
 * @throws CloverError CLV_INTERNAL with the end of its log when it does not, or ends.
 */
export async function waitUntilReady(options: ReadinessOptions): Promise<void> {
  const { supervisor, name, probe, withinMs = 30_000, clock = systemClock } = options;
  const deadline = clock.now() + withinMs;
  let last = 'no answer';
  while (clock.now() < deadline && supervisor.get(name) !== undefined) {
    try {
      const status = await ask(probe);
      if (status >= 200 && status < 300) return;
      last = `status ${status}`;
    } catch (error) {
      last = error instanceof Error ? error.message : String(error);
    }
    await clock.sleep(50);
  }
  const what =
    supervisor.get(name) === undefined
      ? `${name} ended while it was started`
      : `${name} is not ready after ${withinMs / 1_000} s (${last})`;
  const said = [supervisor.tail(name), options.logTail?.() ?? ''].join('\n').trim();
  throw new CloverError('CLV_INTERNAL', `${what}; its last words:\n${said || '(none)'}`);
}

function ask(probe: ReadinessProbe): Promise<number> {
  return new Promise((resolve, reject) => {
    const options = { agent: false, timeout: 2_000 };
    const asked = 'url' in probe ? request(probe.url, options) : request({ ...probe, ...options });
    asked.on('response', (response) => {
      response.resume();
      resolve(response.statusCode ?? 0);
    });
    asked.on('timeout', () => asked.destroy(new Error('no answer in 2 s')));
    asked.on('error', reject);
    asked.end();
  });
}

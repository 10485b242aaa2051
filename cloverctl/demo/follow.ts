import type { ApiClient } from '../../functions/api/client.ts';
import type { Clock } from '../../functions/lib/clock.ts';
import { CloverError } from '../../functions/lib/errors.ts';
import type { ExperimentRun } from '../../knative/resources/experiment-run.ts';
import type { Phase } from '../../knative/resources/experiment.ts';

/** How the demo waits: for how long, how often, and until who stops it. */
export interface Patience {
  readonly clock: Clock;
  readonly signal: AbortSignal;
  readonly timeoutMs: number;
  readonly everyMs?: number;
}

const finalPhases: ReadonlySet<Phase> = new Set(['Succeeded', 'RolledBack', 'Failed']);

/** Whether a run has ended. */
export function isFinal(run: ExperimentRun): boolean {
  return finalPhases.has(run.status.phase ?? 'Pending');
}

/**
 * Asks until there is an answer. A control plane that is away for a while (it may be restarted at
 * any time) is only waited for.
 * @param what completes "timed out while waiting for …".
 * @throws CloverError CLV_DEADLINE_EXCEEDED.
 */
export async function until<T>(
  what: string,
  ask: () => Promise<T | undefined>,
  { clock, signal, timeoutMs, everyMs = 200 }: Patience,
): Promise<T> {
  const deadline = clock.now() + timeoutMs;
  for (;;) {
    signal.throwIfAborted();
    const answer = await whenReachable(ask);
    if (answer !== undefined) return answer;
    if (clock.now() >= deadline) {
      const message = `timed out after ${timeoutMs / 1000} s while waiting for ${what}`;
      throw new CloverError('CLV_DEADLINE_EXCEEDED', message);
    }
    await clock.sleep(everyMs, signal);
  }
}

/** The answer, or undefined while the control plane or its store does not answer. */
export async function whenReachable<T>(ask: () => Promise<T>): Promise<T | undefined> {
  try {
    return await ask();
  } catch (error) {
    if (error instanceof CloverError && error.status === 503) return undefined;
    throw error;
  }
}

/** The newest run of an experiment, or undefined before it has one. */
export async function currentRun(
  client: Pick<ApiClient, 'get'>,
  namespace: string,
  experiment: string,
): Promise<ExperimentRun | undefined> {
  const wish = await client.get('Experiment', namespace, experiment);
  const name = wish?.status.run;
  return name === undefined ? undefined : client.get('ExperimentRun', namespace, name);
}

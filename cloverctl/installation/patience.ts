import { CloverError } from '../../functions/lib/errors.ts';
import type { KubeClient } from '../../functions/resources/kubernetes/client.ts';
import type { CliEnv } from '../env.ts';

const pollMs = 1_000;

/** How long an API server is waited for, and who is told. */
export interface PatienceHow {
  readonly env: Pick<CliEnv, 'clock' | 'signal'>;
  /** Unix milliseconds. */
  readonly until: number;
  /** Hears once of each time that the server is away. */
  readonly tell: (line: string) => void;
}

/** Does work again for as long as the API server is away; the work has to come to the same when it is done twice. */
export type Patience = <T>(work: () => Promise<T>) => Promise<T>;

/**
 * For what has begun to change a cluster, and would leave it half-done. A server that is restarted, or whose machine is drained, is
 * back in seconds.
 * @throws CloverError what the work last threw, when the time is up; anything else that it throws at once.
 */
export function createPatience({ env: { clock, signal }, until, tell }: PatienceHow): Patience {
  let isAway = false;
  return async (work) => {
    for (;;) {
      try {
        const result = await work();
        isAway = false;
        return result;
      } catch (error) {
        if (!(error instanceof CloverError && isPassing(error)) || clock.now() >= until)
          throw error;
        if (!isAway) tell(`${error.message}; waiting for it`);
        isAway = true;
        await clock.sleep(pollMs, signal);
      }
    }
  };
}

/** A client with patience: of calls that come to the same when they are done twice, which those that make something anew do not. */
export function patientClient(client: KubeClient, patience: Patience): KubeClient {
  return {
    ...client,
    call: (call) =>
      call.method === 'POST' ? client.call(call) : patience(() => client.call(call)),
  };
}

function isPassing({ code }: CloverError): boolean {
  return code === 'CLV_KUBERNETES_UNREACHABLE' || code === 'CLV_OVERLOADED';
}

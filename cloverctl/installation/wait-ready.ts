import { CloverError } from '../../functions/lib/errors.ts';
import type { KubeClient } from '../../functions/resources/kubernetes/client.ts';
import type { CliEnv } from '../env.ts';
import { channelReadiness } from './broker-channel.ts';
import { titleOf, type Place } from './collections.ts';
import { findLive } from './live-object.ts';
import { createPatience, patientClient } from './patience.ts';
import { canBeWaitedFor, readinessOf } from './readiness.ts';
import { touchStaleBinding } from './stale-binding.ts';
import { troublesOf } from './troubles.ts';
import { waitProgress, type Saying } from './wait-progress.ts';

const pollMs = 1_000;

/** How long, and who is told. */
export interface WaitHow {
  readonly client: KubeClient;
  readonly env: Pick<CliEnv, 'clock' | 'signal'>;
  readonly timeoutMs: number;
  readonly tell: (line: string) => void;
}

/**
 * Resolves when all of them are ready; tells who becomes ready, and what is missing for long. An API server that is away is missing,
 * too.
 * @throws CloverError CLV_DEADLINE_EXCEEDED naming what is not, and why; CLV_KUBERNETES_UNREACHABLE, CLV_OVERLOADED where nobody can
 * be asked by then.
 */
export async function waitReady(places: readonly Place[], how: WaitHow): Promise<void> {
  const { env, timeoutMs, tell } = how;
  const until = env.clock.now() + timeoutMs;
  const client = patientClient(how.client, createPatience({ env, until, tell }));
  const progress = waitProgress();
  let isFirst = true;
  let waiting = places.filter((place) => canBeWaitedFor(place));
  for (;;) {
    const sayings: Saying[] = [];
    for (const place of waiting) {
      const object = await findLive(client, place);
      const own = readinessOf(place.kind, object);
      const channel =
        object !== undefined && own.ready && place.kind === 'Broker'
          ? await channelReadiness(client, place, object)
          : undefined;
      sayings.push({ place, ...(channel ?? own) });
      if (object !== undefined) await touchStaleBinding(client, object, place, env.clock.now());
    }
    for (const line of progress(sayings, env.clock.now())) tell(line);
    const missing = sayings.filter(({ ready }) => !ready);
    if (missing.length === 0) return;
    if (isFirst) tell(`${missing.length} of ${sayings.length} objects are not ready yet`);
    isFirst = false;
    if (env.clock.now() >= until) throw await late(missing, how);
    waiting = missing.map(({ place }) => place);
    await env.clock.sleep(pollMs, env.signal);
  }
}

async function late(
  missing: readonly Saying[],
  { client, timeoutMs }: WaitHow,
): Promise<CloverError> {
  const details = await Promise.all(
    missing.map(async ({ place, text }) => ({
      field: titleOf(place),
      message: [text, ...(await troublesOf(client, place).catch(() => []))].join('; '),
    })),
  );
  const message = `everything is applied, but not ready after ${timeoutMs / 1_000} s: ${missing.length} of its objects wait`;
  return new CloverError('CLV_DEADLINE_EXCEEDED', message, { details });
}

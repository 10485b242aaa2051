import { CloverError } from '../../functions/lib/errors.ts';
import type { KubeClient } from '../../functions/resources/kubernetes/client.ts';
import type { CliEnv } from '../env.ts';
import { titleOf, type Place } from './collections.ts';
import { findLive } from './live-object.ts';
import { canBeWaitedFor, readinessOf } from './readiness.ts';
import { troublesOf } from './troubles.ts';

const pollMs = 1_000;

/** How long, and who is told. */
export interface WaitHow {
  readonly client: KubeClient;
  readonly env: Pick<CliEnv, 'clock' | 'signal'>;
  readonly timeoutMs: number;
  readonly tell: (line: string) => void;
}

/**
 * Resolves when all of them are ready; tells each change.
 * @throws CloverError CLV_DEADLINE_EXCEEDED naming what is not, and why.
 */
export async function waitReady(places: readonly Place[], how: WaitHow): Promise<void> {
  const { client, env, timeoutMs, tell } = how;
  const until = env.clock.now() + timeoutMs;
  const said = new Map<string, string>();
  let waiting = places.filter((place) => canBeWaitedFor(place));
  for (;;) {
    const missing: { readonly place: Place; readonly text: string }[] = [];
    for (const place of waiting) {
      const title = titleOf(place);
      const { ready, text } = readinessOf(place.kind, await findLive(client, place));
      if (said.get(title) !== text) {
        // What is ready at once is not worth a line.
        if (!ready || said.has(title)) tell(`${title}: ${text}`);
        said.set(title, text);
      }
      if (!ready) missing.push({ place, text });
    }
    if (missing.length === 0) return;
    if (env.clock.now() >= until) throw await late(missing, how);
    waiting = missing.map(({ place }) => place);
    await env.clock.sleep(pollMs, env.signal);
  }
}

async function late(
  missing: readonly { readonly place: Place; readonly text: string }[],
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

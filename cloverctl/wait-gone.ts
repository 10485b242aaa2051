import type { ApiClient } from '../functions/api/client.ts';
import { CloverError } from '../functions/lib/errors.ts';
import type { AnyResource } from '../knative/resources/kinds.ts';
import type { CliEnv } from './env.ts';

const firstPauseMs = 100;
const longestPauseMs = 1_000;

/**
 * Resolves once a deleted object is gone, finalizers and all; another one of its name may be there by then.
 * @param deadline Unix milliseconds.
 * @throws CloverError CLV_DEADLINE_EXCEEDED with what the object still waits for.
 */
export async function waitUntilGone(
  client: ApiClient,
  { kind, metadata: { namespace, name, uid } }: AnyResource,
  deadline: number,
  env: CliEnv,
): Promise<void> {
  let pauseMs = firstPauseMs;
  for (;;) {
    const found = await client.get(kind, namespace, name);
    if (found?.metadata.uid !== uid) return;
    if (env.clock.now() >= deadline) {
      const waits = (found.metadata.finalizers ?? []).join(', ');
      const message = `${kind} ${namespace}/${name} is not gone yet, waits for ${waits}: see "cloverctl describe", or give a longer --timeout`;
      throw new CloverError('CLV_DEADLINE_EXCEEDED', message);
    }
    await env.clock.sleep(pauseMs, env.signal);
    pauseMs = Math.min(pauseMs * 2, longestPauseMs);
  }
}

import { setTimeout as sleep } from 'node:timers/promises';
import { z } from 'zod';
import { CloverError } from '../../lib/errors.ts';
import type { KubeClient } from './client.ts';
import { statusError } from './status-error.ts';

const line = z.object({
  type: z.enum(['ADDED', 'MODIFIED', 'DELETED', 'BOOKMARK', 'ERROR']),
  object: z.unknown(),
});
const versioned = z.looseObject({ metadata: z.looseObject({ resourceVersion: z.string() }) });
const failed = z.looseObject({ code: z.int().default(0) });

/** A change as the API server tells it. */
export interface KubeChange {
  readonly type: 'ADDED' | 'MODIFIED' | 'DELETED';
  readonly object: unknown;
}

/** The first is at once: an API server ends every watch after some minutes. */
const retryMs = [0, 100, 500, 1_000, 2_000, 5_000] as const;

/**
 * The changes of a collection after a resource version, over as many connections as it takes; bookmarks keep its place where
 * nothing changes.
 * @param path of the collection.
 * @throws CloverError CLV_RESOURCE_GONE when the version is too old; what else the first answer says.
 */
export async function* watchCollection(
  client: KubeClient,
  path: string,
  from: string,
  signal: AbortSignal,
): AsyncGenerator<KubeChange, void, void> {
  let resourceVersion = from;
  let failures = 0;
  let answered = false;
  while (!signal.aborted) {
    const query = { watch: 'true', allowWatchBookmarks: 'true', resourceVersion };
    try {
      for await (const text of client.lines({ method: 'GET', path, query }, signal)) {
        const { type, object } = line.parse(JSON.parse(text));
        if (type === 'ERROR') throw statusError(failed.parse(object).code, object);
        resourceVersion = versioned.parse(object).metadata.resourceVersion;
        answered = true;
        failures = 0;
        if (type !== 'BOOKMARK') yield { type, object };
      }
      answered = true;
    } catch (error) {
      if (signal.aborted) return;
      if (!isPassing(error, answered)) throw error;
    }
    const wait = retryMs[Math.min(failures, retryMs.length - 1)] ?? 0;
    failures += 1;
    await sleep(wait, undefined, { signal }).catch(() => undefined);
  }
}

/** What another connection may mend. A server that was never there may be the wrong one: that is told at once. */
function isPassing(error: unknown, answered: boolean): boolean {
  if (!(error instanceof CloverError)) return false;
  return (
    error.code === 'CLV_OVERLOADED' || (answered && error.code === 'CLV_KUBERNETES_UNREACHABLE')
  );
}

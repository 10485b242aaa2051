import { setTimeout as sleep } from 'node:timers/promises';
import { CloverError } from '../../lib/errors.ts';
import type { KubeClient } from './client.ts';
import { readWatchLine } from './watch-line.ts';

/** A change as the API server tells it. */
export interface KubeChange {
  readonly type: 'ADDED' | 'MODIFIED' | 'DELETED';
  readonly object: unknown;
}

/** Options of {@link watchCollection}. */
export interface WatchOptions {
  /** Of the collection. */
  readonly path: string;
  /** The resource version after which changes are told. */
  readonly from: string;
  readonly signal: AbortSignal;
  /** As {@link KubeStream} has it, for collections without bookmarks. */
  readonly silenceMs?: number;
}

/** The first is at once: an API server ends every watch after some minutes. */
const retryMs = [0, 100, 500, 1_000, 2_000, 5_000] as const;

/**
 * The changes of a collection after a resource version, over as many connections as it takes; bookmarks keep its place where
 * nothing changes, and tell a server that has nothing to say from one that is gone.
 * @throws CloverError CLV_RESOURCE_GONE when the version is too old; CLV_INTERNAL for what is no line of a watch; what else the first
 * answer says.
 */
export async function* watchCollection(
  client: KubeClient,
  { path, from, signal, silenceMs }: WatchOptions,
): AsyncGenerator<KubeChange, void, void> {
  let resourceVersion = from;
  let failures = 0;
  let answered = false;
  while (!signal.aborted) {
    const query = { watch: 'true', allowWatchBookmarks: 'true', resourceVersion };
    try {
      const call = { method: 'GET', path, query, silenceMs } as const;
      for await (const text of client.lines(call, signal)) {
        const { type, object, ...line } = readWatchLine(text);
        resourceVersion = line.resourceVersion;
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

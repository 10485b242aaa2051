import { setTimeout as sleep } from 'node:timers/promises';
import { CloverError } from '../../lib/errors.ts';
import type { KubeClient } from './client.ts';
import { list } from './list.ts';
import { watchCollection, type KubeChange } from './watch.ts';

/** What a follower of a collection hears. `LISTED` has all of it, and comes first and after every gap. */
export type KubeNews =
  | KubeChange
  | { readonly type: 'LISTED'; readonly objects: readonly unknown[] };

/** Options of {@link followCollection}. */
export interface FollowOptions {
  /** Of the collection. */
  readonly path: string;
  readonly signal: AbortSignal;
  /** Hears why there is a gap, each time; it ends by itself as soon as the server allows. */
  readonly onGap: (error: unknown) => void;
}

const pageSize = 500;
const retryMs = [100, 500, 1_000, 2_000, 5_000] as const;

/**
 * A collection of any kind from now on: what there is, then each change, until the signal aborts. When the server has
 * forgotten the place (410), is not there or refuses, it is listed anew.
 */
export async function* followCollection(
  client: KubeClient,
  { path, signal, onGap }: FollowOptions,
): AsyncGenerator<KubeNews, void, void> {
  let failures = 0;
  while (!signal.aborted) {
    try {
      const { objects, resourceVersion: from } = await listAll(client, path);
      yield { type: 'LISTED', objects };
      for await (const change of watchCollection(client, { path, from, signal })) {
        failures = 0;
        yield change;
      }
    } catch (error) {
      if (signal.aborted) return;
      onGap(error);
      const isGone = error instanceof CloverError && error.code === 'CLV_RESOURCE_GONE';
      const wait = isGone && failures === 0 ? 0 : retryMs[Math.min(failures, retryMs.length - 1)];
      failures += 1;
      await sleep(wait, undefined, { signal }).catch(() => undefined);
    }
  }
}

async function listAll(
  client: KubeClient,
  path: string,
): Promise<{ readonly objects: readonly unknown[]; readonly resourceVersion: string }> {
  const objects: unknown[] = [];
  let next: string | undefined;
  for (;;) {
    const options = { limit: pageSize, ...(next !== undefined && { continue: next }) };
    const page = await list(client, path, options);
    objects.push(...page.items);
    next = page.continue;
    // The version of every page is that of the first.
    if (next === undefined) return { objects, resourceVersion: page.resourceVersion };
  }
}

import type { Logger } from 'pino';
import { z } from 'zod';
import type { Clock } from '../../functions/lib/clock.ts';
import { CloverError } from '../../functions/lib/errors.ts';
import type { KubeClient } from '../../functions/resources/kubernetes/client.ts';
import { readWatchLine, type WatchLine } from '../../functions/resources/kubernetes/watch-line.ts';

/** The objects of a collection, kept up to date by one watch. */
export interface Collection<Item> {
  /** The last that are known; undefined before the first whole set. */
  items(): readonly Item[] | undefined;
  /** Watches that broke, questions that were refused, objects that could not be read; cumulative. */
  readonly failed: number;
  stop(): Promise<void>;
}

/** What {@link followCollection} needs. */
export interface CollectionOptions<Item> {
  readonly client: KubeClient;
  readonly path: string;
  readonly fieldSelector?: string;
  /** Keeps of an object what is needed; undefined for one that counts as gone. Throws for one that it cannot read. */
  readonly read: (object: unknown) => Item | undefined;
  readonly onChange: () => void;
  readonly clock: Clock;
  /** Uniform in [0, 1). */
  readonly random: () => number;
  readonly log: Logger;
}

const firstDelayMs = 100;
const longestDelayMs = 10_000;

const list = z.object({
  metadata: z.object({ resourceVersion: z.string() }),
  items: z.array(z.looseObject({ metadata: z.looseObject({ uid: z.string() }) })),
});

/**
 * Follows a collection until it is stopped, whatever the API server does meanwhile. The first set comes over the watch itself
 * (KEP-3157), so that it is never in memory as a whole; where the server does not do that, by one list. After a break the
 * watch goes on where it was; all is asked for anew only when the server has forgotten that place.
 */
export function followCollection<Item>(options: CollectionOptions<Item>): Collection<Item> {
  const { client, path, fieldSelector, read, onChange, clock, random, log } = options;
  const abort = new AbortController();
  let items: Map<string, Item> | undefined;
  let version: string | undefined;
  let streams = true;
  let failed = 0;
  let failures = 0;

  const keep = (into: Map<string, Item>, uid: string, object: unknown): void => {
    try {
      const item = read(object);
      if (item === undefined) into.delete(uid);
      else into.set(uid, item);
    } catch (error) {
      failed += 1;
      into.delete(uid);
      log.error({ err: error, path, uid }, 'an object cannot be read: left out');
    }
  };

  const become = (whole: Map<string, Item>, at: string): void => {
    items = whole;
    version = at;
    log.info({ path, objects: whole.size }, 'followed');
    onChange();
  };

  const listAll = async (): Promise<void> => {
    const query = { fieldSelector, resourceVersion: '0' };
    const answer = list.parse(await client.call({ method: 'GET', path, query }));
    const whole = new Map<string, Item>();
    for (const object of answer.items) keep(whole, object.metadata.uid, object);
    become(whole, answer.metadata.resourceVersion);
  };

  const take = (fresh: Map<string, Item> | undefined, line: WatchLine): void => {
    const into = fresh ?? items ?? new Map<string, Item>();
    if (line.type === 'DELETED') into.delete(line.uid);
    else if (line.type !== 'BOOKMARK') keep(into, line.uid, line.object);
    if (fresh !== undefined) return;
    version = line.resourceVersion;
    if (line.type !== 'BOOKMARK') onChange();
  };

  const watchOnce = async (): Promise<void> => {
    if (version === undefined && !streams) await listAll();
    let fresh = version === undefined ? new Map<string, Item>() : undefined;
    const query = {
      watch: 'true',
      allowWatchBookmarks: 'true',
      fieldSelector,
      ...(fresh === undefined
        ? { resourceVersion: version }
        : { sendInitialEvents: 'true', resourceVersionMatch: 'NotOlderThan' }),
    };
    for await (const text of client.lines({ method: 'GET', path, query }, abort.signal)) {
      const line = readWatchLine(text);
      failures = 0;
      if (fresh !== undefined && line.isWhole) {
        become(fresh, line.resourceVersion);
        fresh = undefined;
      } else {
        take(fresh, line);
      }
    }
  };

  const onFailure = (error: unknown): void => {
    const code = error instanceof CloverError ? error.code : undefined;
    if (code === 'CLV_RESOURCE_GONE') {
      version = undefined;
    } else if (version === undefined && streams && isNoStream(code)) {
      streams = false;
    } else {
      failed += 1;
      if (failures === 0)
        log.warn({ path, why: String(error) }, 'a watch broke: it is tried again');
    }
  };

  const run = async (): Promise<void> => {
    while (!abort.signal.aborted) {
      try {
        await watchOnce();
      } catch (error) {
        if (abort.signal.aborted) return;
        onFailure(error);
      }
      // At once the first time: an API server ends every watch after some minutes.
      const ceiling = Math.min(longestDelayMs, firstDelayMs * 2 ** failures);
      const wait = failures === 0 ? 0 : random() * ceiling;
      failures += 1;
      await clock.sleep(wait, abort.signal).catch(() => undefined);
    }
  };
  const running = run();

  return {
    items: () => (items === undefined ? undefined : [...items.values()]),
    get failed() {
      return failed;
    },
    async stop() {
      abort.abort();
      await running;
    },
  };
}

/** A server before 1.32, or one that was told not to, refuses what it does not know. */
function isNoStream(code: string | undefined): boolean {
  return code === 'CLV_RESOURCE_INVALID' || code === 'CLV_ARGUMENT_INVALID';
}

import { setMaxListeners, EventEmitter, once } from 'node:events';
import type { DatabaseSync } from 'node:sqlite';
import { z } from 'zod';
import type { AnyResource, Kind } from '../../knative/resources/kinds.ts';
import { CloverError } from '../lib/errors.ts';
import { demandVersion } from './resource-version.ts';
import { anyResource } from './stored-resource.ts';
import type { ResourceEvent } from './store.ts';

const counter = z.object({ version: z.int(), forgotten: z.int() });

const change = z.object({
  version: z.int(),
  type: z.enum(['ADDED', 'MODIFIED', 'DELETED']),
  kind: z.string(),
  body: z.string(),
});

/** Every change in order, kept for a while, so that watches can go on where they stopped. */
export interface ChangeLog {
  /** The newest resource version. */
  version(): number;
  /** Notes a change with the next resource version; call it inside the write's transaction. */
  append(type: ResourceEvent['type'], object: AnyResource): AnyResource;
  /** Wakes the watches; call it after the commit. */
  announce(): void;
  /** @throws CloverError CLV_RESOURCE_GONE when a watch from that version is not possible. */
  demandKept(version: number): void;
  /** See {@link ResourceStore.watch}. */
  watch(
    kind: Kind,
    from: string,
    options: { readonly signal: AbortSignal },
  ): AsyncIterable<ResourceEvent>;
  /** Ends every watch. */
  close(): void;
}

/** @param keep Number of newest changes that stay readable. */
export function createChangeLog(db: DatabaseSync, keep: number): ChangeLog {
  const news = new EventEmitter();
  news.setMaxListeners(0);
  const closing = new AbortController();
  setMaxListeners(0, closing.signal);
  const readCounter = db.prepare('SELECT version, forgotten FROM counter');
  const writeCounter = db.prepare('UPDATE counter SET version = ?, forgotten = max(forgotten, ?)');
  const insert = db.prepare('INSERT INTO changes (version, type, kind, body) VALUES (?, ?, ?, ?)');
  const trim = db.prepare('DELETE FROM changes WHERE version <= ?');
  const page = db.prepare(
    'SELECT version, type, kind, body FROM changes WHERE version > ? ORDER BY version LIMIT 100',
  );
  const state = (): z.output<typeof counter> => counter.parse(readCounter.get());

  function demandKept(version: number): void {
    const { version: newest, forgotten } = state();
    if (version >= forgotten && version <= newest) return;
    throw new CloverError(
      'CLV_RESOURCE_GONE',
      `changes are kept from resourceVersion ${forgotten} to ${newest}, not from ${version}: list again`,
    );
  }

  async function* follow(
    from: number,
    kind: Kind,
    signal: AbortSignal,
  ): AsyncGenerator<ResourceEvent> {
    let position = from;
    while (!signal.aborted) {
      demandKept(position);
      const changes = page.all(position).map((row) => change.parse(row));
      if (changes.length === 0) {
        await once(news, 'change', { signal }).catch(() => undefined);
      }
      for (const entry of changes) {
        if (signal.aborted) return;
        position = entry.version;
        if (entry.kind !== kind) continue;
        const body: unknown = JSON.parse(entry.body);
        yield { type: entry.type, object: anyResource(body) };
      }
    }
  }

  return {
    version: () => state().version,
    append(type, object) {
      const version = state().version + 1;
      const stored = anyResource({
        ...object,
        metadata: { ...object.metadata, resourceVersion: String(version) },
      });
      writeCounter.run(version, version - keep);
      insert.run(version, type, object.kind, JSON.stringify(stored));
      trim.run(version - keep);
      return stored;
    },
    announce: () => news.emit('change'),
    demandKept,
    watch(kind, from, { signal }) {
      demandVersion(from);
      // Thrown here, not by the first step, so that a caller can still answer with a status.
      demandKept(Number(from));
      return follow(Number(from), kind, AbortSignal.any([signal, closing.signal]));
    },
    close: () => closing.abort(),
  };
}

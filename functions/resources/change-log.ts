import type { DatabaseSync } from 'node:sqlite';
import { z } from 'zod';
import type { AnyResource, Kind } from '../../knative/resources/kinds.ts';
import { createFollower } from '../lib/follower.ts';
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
  const readCounter = db.prepare('SELECT version, forgotten FROM counter');
  const writeCounter = db.prepare('UPDATE counter SET version = ?, forgotten = max(forgotten, ?)');
  const insert = db.prepare('INSERT INTO changes (version, type, kind, body) VALUES (?, ?, ?, ?)');
  const trim = db.prepare('DELETE FROM changes WHERE version <= ?');
  const page = db.prepare(
    'SELECT version, type, kind, body FROM changes WHERE version > ? ORDER BY version LIMIT 100',
  );
  const state = (): z.output<typeof counter> => counter.parse(readCounter.get());

  const follower = createFollower({
    what: 'changes',
    kept: () => {
      const { version, forgotten } = state();
      return { newest: version, forgotten };
    },
    after: (version) => page.all(version).map((row) => change.parse(row)),
  });

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
    announce: () => follower.announce(),
    demandKept: (version) => follower.demandKept(version),
    watch: (kind, from, { signal }) =>
      follower.watch(from, signal, (entry) => {
        if (entry.kind !== kind) return undefined;
        const body: unknown = JSON.parse(entry.body);
        return { type: entry.type, object: anyResource(body) };
      }),
    close: () => follower.close(),
  };
}

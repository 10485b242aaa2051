import { CloverError } from '../../../functions/lib/errors.ts';
import type { ResourceEvent, ResourceStore } from '../../../functions/resources/store.ts';
import { kinds, type AnyResource, type Kind } from '../../../knative/resources/kinds.ts';

/** Objects by `<kind>/<namespace>/<name>`. */
export type Table = ReadonlyMap<string, AnyResource>;

const keyOf = ({ kind, metadata }: AnyResource): string =>
  `${kind}/${metadata.namespace}/${metadata.name}`;

/** Everything that there is, in the order of keys. */
export async function tableOf(store: ResourceStore): Promise<Map<string, AnyResource>> {
  const lists: Awaited<ReturnType<ResourceStore['list']>>[] = [];
  for (const { kind } of kinds) lists.push(await store.list(kind));
  const objects = lists.flatMap(({ items }): readonly AnyResource[] => items);
  return new Map(objects.map((object) => [keyOf(object), object]));
}

/** A table in the order of its keys. */
export const sorted = (table: Table): readonly AnyResource[] =>
  [...table].toSorted(([a], [b]) => (a < b ? -1 : 1)).map(([, object]) => object);

/** What SQLite says where the store is closed between two steps: that is the end of a watch, too. */
const isClosed = (error: unknown): boolean =>
  error instanceof Error && /statement has been finalized|database is not open/.test(error.message);

/** A copy of a store that keeps itself up to date by a watch, as controllers do. */
export class StoreReplica {
  private readonly positions = new Map<Kind, string>();
  private table = new Map<string, AnyResource>();
  private running: Promise<unknown> = Promise.resolve();
  private readonly stop = new AbortController();
  /** What cannot be: an object made twice, a change or an end of none. */
  readonly contradictions: string[] = [];
  /** How often it had to begin anew. */
  restarts = 0;

  /** Lists, and then follows from there. */
  async start(store: ResourceStore): Promise<void> {
    this.table = new Map();
    for (const { kind } of kinds) {
      const { items, resourceVersion } = await store.list(kind);
      this.positions.set(kind, resourceVersion);
      for (const object of items) this.table.set(keyOf(object), object);
    }
    this.resume(store);
  }

  /** Goes on where it is. */
  resume(store: ResourceStore): void {
    this.running = this.followAll(store);
  }

  /** Resolves when the store that it follows is closed. */
  async ended(): Promise<void> {
    await this.running;
  }

  /** Ends it. */
  async close(): Promise<void> {
    this.stop.abort();
    await this.running;
  }

  /** Resolves once it has seen an object. */
  async until(key: string): Promise<Table> {
    while (!this.table.has(key)) await new Promise(setImmediate);
    return this.table;
  }

  private async followAll(store: ResourceStore): Promise<void> {
    const round = new AbortController();
    try {
      const signal = AbortSignal.any([this.stop.signal, round.signal]);
      await Promise.all(kinds.map(({ kind }) => this.follow(store, kind, signal)));
    } catch (error) {
      round.abort();
      if (isClosed(error)) return;
      if (!(error instanceof CloverError) || error.code !== 'CLV_RESOURCE_GONE') throw error;
      this.restarts += 1;
      try {
        await this.start(store);
      } catch (late) {
        if (isClosed(late)) return;
        throw late;
      }
      await this.running;
    }
  }

  private async follow(store: ResourceStore, kind: Kind, signal: AbortSignal): Promise<void> {
    const from = this.positions.get(kind) ?? '';
    for await (const event of store.watch(kind, from, { signal })) {
      this.take(event);
      this.positions.set(kind, event.object.metadata.resourceVersion);
    }
  }

  private take({ type, object }: ResourceEvent): void {
    const key = keyOf(object);
    const before = this.table.get(key);
    const isKnown = before?.metadata.uid === object.metadata.uid;
    if (isKnown === (type === 'ADDED') || (type === 'ADDED' && before !== undefined)) {
      this.contradictions.push(`${type} ${key}`);
    }
    if (type === 'DELETED') this.table.delete(key);
    else this.table.set(key, object);
  }
}

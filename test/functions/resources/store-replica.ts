import { CloverError } from '../../../functions/lib/errors.ts';
import type { ResourceEvent, ResourceStore } from '../../../functions/resources/store.ts';
import { kinds, type AnyResource } from '../../../knative/resources/kinds.ts';

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

/** A copy of a store that keeps itself up to date by a watch, as controllers do. */
export class StoreReplica {
  private position = '';
  private table = new Map<string, AnyResource>();
  private running: Promise<void> = Promise.resolve();
  private readonly stop = new AbortController();
  /** What cannot be: an object made twice, a change or an end of none. */
  readonly contradictions: string[] = [];
  /** How often it had to begin anew. */
  restarts = 0;

  /** Lists, and then follows from there. */
  async start(store: ResourceStore): Promise<void> {
    this.position = (await store.list('Tap')).resourceVersion;
    this.table = await tableOf(store);
    this.resume(store);
  }

  /** Goes on where it is. */
  resume(store: ResourceStore): void {
    this.running = this.follow(store);
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

  private async follow(store: ResourceStore): Promise<void> {
    try {
      const { signal } = this.stop;
      for await (const event of store.watch(this.position, { signal })) this.take(event);
    } catch (error) {
      if (!(error instanceof CloverError) || error.code !== 'CLV_RESOURCE_GONE') throw error;
      this.restarts += 1;
      await this.start(store);
      await this.running;
    }
  }

  private take({ type, object }: ResourceEvent): void {
    const key = keyOf(object);
    const before = this.table.get(key);
    const isKnown = before?.metadata.uid === object.metadata.uid;
    if (isKnown === (type === 'ADDED') || (type === 'ADDED' && before !== undefined)) {
      this.contradictions.push(`${type} ${key}`);
    }
    this.position = object.metadata.resourceVersion;
    if (type === 'DELETED') this.table.delete(key);
    else this.table.set(key, object);
  }
}

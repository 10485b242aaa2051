/**
 * What is under way at the moment, where thousands a second come and go. A Map or a Set is rebuilt every few entries there,
 * and its old tables, once they are in V8's old generation, keep alive all that they held until the next full collection: no
 * request would die young. Here a place that is free again is empty, and is the next one to be used.
 */
export class Slots<T extends object> implements Iterable<T, void, void> {
  readonly #items: (T | undefined)[] = [];
  readonly #free: number[] = [];

  /** Keeps the item; returns its place, until it is taken out there. */
  add(item: T): number {
    const place = this.#free.pop() ?? this.#items.length;
    this.#items[place] = item;
    return place;
  }

  /** Takes an item out; undefined when the place is free. */
  take(place: number): T | undefined {
    const item = this.#items[place];
    if (item === undefined) return undefined;
    this.#items[place] = undefined;
    this.#free.push(place);
    return item;
  }

  get size(): number {
    return this.#items.length - this.#free.length;
  }

  *[Symbol.iterator](): Generator<T, void, void> {
    for (const item of this.#items) if (item !== undefined) yield item;
  }
}

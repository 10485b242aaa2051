/**
 * Writes what is given while a write is under way together, in the next one: a write has a fixed cost, and nobody waits for a
 * timer. Each caller's promise settles with the write that has its item.
 * @param write takes items in the order in which they were given, at most `most` at a time.
 */
export function createGroupCommit<Item>(
  write: (items: readonly Item[]) => Promise<void>,
  most: number,
): (item: Item) => Promise<void> {
  let waiting: { readonly item: Item; readonly done: PromiseWithResolvers<void> }[] = [];
  let writing = false;

  const work = async (): Promise<void> => {
    writing = true;
    while (waiting.length > 0) {
      const batch = waiting.slice(0, most);
      waiting = waiting.slice(most);
      try {
        await write(batch.map(({ item }) => item));
        for (const { done } of batch) done.resolve();
      } catch (error) {
        for (const { done } of batch) done.reject(error);
      }
    }
    writing = false;
  };

  return async (item) => {
    const done = Promise.withResolvers<void>();
    waiting.push({ item, done });
    if (!writing) void work();
    await done.promise;
  };
}

/** Counts by cause. */
export type Causes = Readonly<Record<string, number>>;

/** Σ of all causes. */
export function total(causes: Causes): number {
  return Object.values(causes).reduce((sum, count) => sum + count, 0);
}

/** Losses of all groups as one list: `group.cause` → count, sorted, zeros left out. */
export function joinLoss(groups: Readonly<Record<string, Causes>>): Causes {
  const counts = Object.entries(groups).flatMap(([group, causes]) =>
    Object.entries(causes)
      .filter(([, count]) => count > 0)
      .map(([cause, count]) => [`${group}.${cause}`, count] as const),
  );
  return Object.fromEntries(counts.sort(([a], [b]) => (a < b ? -1 : 1)));
}

/** Losses as the attribute `cloverloss`: `group.cause=count`, comma-separated; empty when nothing was lost. */
export function formatLoss(loss: Causes): string {
  return Object.entries(loss)
    .map(([cause, count]) => `${cause}=${count}`)
    .join(',');
}

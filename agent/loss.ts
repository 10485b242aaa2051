/** Counts by cause. */
export type Causes = Readonly<Record<string, number>>;

/** Σ of all causes. */
export function total(causes: Causes): number {
  return Object.values(causes).reduce((sum, count) => sum + count, 0);
}

/**
 * Losses as the attribute `cloverloss`: `group.cause=count`, sorted, comma-separated, zeros left
 * out; empty when nothing was lost.
 */
export function formatLoss(groups: Readonly<Record<string, Causes>>): string {
  return Object.entries(groups)
    .flatMap(([group, causes]) =>
      Object.entries(causes)
        .filter(([, count]) => count > 0)
        .map(([cause, count]) => `${group}.${cause}=${count}`),
    )
    .sort()
    .join(',');
}

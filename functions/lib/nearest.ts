/**
 * The candidate closest to a misspelt word, or undefined when none is close enough to be meant: one slip in a word of two
 * letters or more, or as many as a third of the longer word's letters behind a first letter that is right.
 */
export function nearest(word: string, candidates: readonly string[]): string | undefined {
  const lower = word.toLowerCase();
  return (
    candidates
      .map((candidate) => ({ candidate, text: candidate.toLowerCase() }))
      // The distance is no less than this, and costs the product of the lengths: a stranger's word may be long.
      .filter(({ text }) => isMeant(lower, text, Math.abs(lower.length - text.length)))
      .map(({ candidate, text }) => ({ candidate, text, distance: editDistance(lower, text) }))
      .filter(({ text, distance }) => isMeant(lower, text, distance))
      .sort((a, b) => a.distance - b.distance)[0]?.candidate
  );
}

function isMeant(word: string, candidate: string, distance: number): boolean {
  if (distance <= 1) return distance < word.length;
  return word[0] === candidate[0] && distance * 3 <= Math.max(word.length, candidate.length);
}

/** Optimal string alignment: insertions, deletions, substitutions and swaps of neighbours. */
function editDistance(a: string, b: string): number {
  let beforeLast: number[] = [];
  let last = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const same = a[i - 1] === b[j - 1];
      let cost = Math.min(
        (last[j] ?? 0) + 1,
        (row[j - 1] ?? 0) + 1,
        (last[j - 1] ?? 0) + (same ? 0 : 1),
      );
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]) {
        cost = Math.min(cost, (beforeLast[j - 2] ?? 0) + 1);
      }
      row.push(cost);
    }
    beforeLast = last;
    last = row;
  }
  return last[b.length] ?? 0;
}

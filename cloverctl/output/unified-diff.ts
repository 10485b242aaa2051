/** One line of two texts: in both, only in the old one, or only in the new one. */
interface Step {
  readonly sign: ' ' | '+' | '-';
  readonly line: string;
}

/** Cells of the table of common lines at most; beyond, the different middle is replaced as a whole. */
const mostCells = 4_000_000;
const context = 3;

/**
 * The differences of two texts in the unified format (POSIX `diff -u`), hunks only; none for equal texts. Both end with a
 * line feed, or are empty.
 */
export function unifiedDiff(before: string, after: string): string[] {
  const steps = stepsOf(linesOf(before), linesOf(after));
  const lines: string[] = [];
  for (const [from, to] of hunks(steps)) {
    const old = steps.slice(0, from).filter(({ sign }) => sign !== '+').length;
    const now = steps.slice(0, from).filter(({ sign }) => sign !== '-').length;
    const hunk = steps.slice(from, to);
    const oldCount = hunk.filter(({ sign }) => sign !== '+').length;
    const nowCount = hunk.filter(({ sign }) => sign !== '-').length;
    lines.push(`@@ -${range(old, oldCount)} +${range(now, nowCount)} @@`);
    for (const { sign, line } of hunk) lines.push(`${sign}${line}`);
  }
  return lines;
}

function linesOf(text: string): string[] {
  return text === '' ? [] : text.replace(/\n$/, '').split('\n');
}

/** An empty range names the line before it. */
function range(skipped: number, count: number): string {
  return `${count === 0 ? skipped : skipped + 1}${count === 1 ? '' : `,${count}`}`;
}

/** From where to where changes stand, with the lines around them; near ones together. */
function hunks(steps: readonly Step[]): [number, number][] {
  const found: [number, number][] = [];
  for (const [index, { sign }] of steps.entries()) {
    if (sign === ' ') continue;
    const from = Math.max(0, index - context);
    const to = Math.min(steps.length, index + 1 + context);
    const last = found.at(-1);
    if (last !== undefined && from <= last[1]) last[1] = to;
    else found.push([from, to]);
  }
  return found;
}

const same = (line: string): Step => ({ sign: ' ', line });

function stepsOf(before: readonly string[], after: readonly string[]): Step[] {
  let head = 0;
  const shorter = Math.min(before.length, after.length);
  while (head < shorter && before[head] === after[head]) head += 1;
  let tail = 0;
  while (tail < shorter - head && before.at(-1 - tail) === after.at(-1 - tail)) tail += 1;
  return [
    ...before.slice(0, head).map(same),
    ...middle(before.slice(head, before.length - tail), after.slice(head, after.length - tail)),
    ...before.slice(before.length - tail).map(same),
  ];
}

/** The fewest lines that change, by the longest common subsequence. */
function middle(before: readonly string[], after: readonly string[]): Step[] {
  const common = commonLines(before, after);
  const at = (row: number, column: number): number =>
    common?.[row * (after.length + 1) + column] ?? 0;
  const steps: Step[] = [];
  let i = 0;
  let j = 0;
  while (i < before.length || j < after.length) {
    const [old, now] = [before[i], after[j]];
    if (common !== undefined && old !== undefined && old === now) {
      steps.push({ sign: ' ', line: old });
      i += 1;
      j += 1;
    } else if (old !== undefined && (now === undefined || at(i + 1, j) >= at(i, j + 1))) {
      steps.push({ sign: '-', line: old });
      i += 1;
    } else {
      steps.push({ sign: '+', line: now ?? '' });
      j += 1;
    }
  }
  return steps;
}

/** How many lines the rests of two texts have in common, row by row of the old one; undefined when that is too much. */
function commonLines(before: readonly string[], after: readonly string[]): Uint32Array | undefined {
  const width = after.length + 1;
  if ((before.length + 1) * width > mostCells) return undefined;
  const common = new Uint32Array((before.length + 1) * width);
  const at = (row: number, column: number): number => common[row * width + column] ?? 0;
  for (let i = before.length - 1; i >= 0; i -= 1) {
    for (let j = after.length - 1; j >= 0; j -= 1) {
      common[i * width + j] =
        before[i] === after[j] ? at(i + 1, j + 1) + 1 : Math.max(at(i + 1, j), at(i, j + 1));
    }
  }
  return common;
}

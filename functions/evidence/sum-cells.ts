import type { BlockCell } from './evidence-store.ts';

/** Adds up neighbours with the same key; the rows come sorted by key, then source. */
export function sumSources(rows: readonly BlockCell[]): BlockCell[] {
  const merged: BlockCell[] = [];
  for (const row of rows) {
    const last = merged.at(-1);
    if (last === undefined || !sameKey(last, row)) merged.push(row);
    else merged[merged.length - 1] = addCells(last, row);
  }
  return merged;
}

const sameKey = (a: BlockCell, b: BlockCell): boolean =>
  a.block === b.block &&
  a.epoch === b.epoch &&
  a.run === b.run &&
  a.sealed === b.sealed &&
  a.arm === b.arm &&
  a.splitter === b.splitter;

function addCells(a: BlockCell, b: BlockCell): BlockCell {
  return {
    ...a,
    started: a.started + b.started,
    done: a.done + b.done,
    errors: a.errors + b.errors,
    stuck: a.stuck + b.stuck,
    sumLog: a.sumLog + b.sumLog,
    sumLogSq: a.sumLogSq + b.sumLogSq,
    lowest: outer(Math.min, a.lowest, b.lowest),
    highest: outer(Math.max, a.highest, b.highest),
  };
}

type Pick = (a: number, b: number) => number;

const outer = (pick: Pick, a: number | null, b: number | null): number | null =>
  a === null || b === null ? (a ?? b) : pick(a, b);

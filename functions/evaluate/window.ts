import { bucketRatio } from '../../knative/events.ts';
import { sha256 } from '../lib/canonical-json.ts';
import type {
  DesignBlock,
  DesignCell,
  MissingUnits,
  Moments,
} from '../lib/statistics/design-sequence.ts';
import type { BlockCell } from '../evidence/evidence-store.ts';

/** Sums of one arm's requests. */
export interface ArmSums {
  readonly started: number;
  readonly done: number;
  readonly errors: number;
  readonly stuck: number;
  readonly sumLog: number;
  readonly sumLogSq: number;
}

/** Both arms' requests under one intent. */
export interface EpochSums {
  readonly epoch: number;
  /** Share of the variant in percent. */
  readonly weight: number;
  readonly control: ArmSums;
  readonly variant: ArmSums;
}

/** What to cut out of a run's cells. */
export interface Cut {
  readonly run: string;
  readonly cells: readonly BlockCell[];
  /** Share of the variant in percent, by epoch: all that divided traffic; and those that are judged. */
  readonly divided: ReadonlyMap<number, number>;
  readonly judged: ReadonlySet<number>;
  /** Request starts, Unix ms, whole seconds, [from, to). */
  readonly from: number;
  readonly to: number;
  readonly openTimeoutMs: number;
}

/** Sealed evidence in the judged window. */
export interface EvidenceWindow {
  readonly from: number;
  readonly to: number;
  readonly epochs: readonly EpochSums[];
  /** End of the last block with a judged request, Unix ms; 0 without one. */
  readonly newest: number;
  /** In the order of time, with the blocks before the window that train the baseline. */
  readonly blocks: readonly DesignBlock[];
  /** Requests at the run's splitters whose arm or answer is not known; those of them that may be failures. */
  readonly missing: number;
  readonly missingFailures: number;
  readonly cellsHash: string;
}

/** End of the last block that a watermark seals, Unix ms. */
export function sealedUntil(watermark: number | undefined): number {
  return Math.floor((watermark ?? 0) / 1_000) * 1_000;
}

/** Whether all requests of a cell had their answers, or were stuck, by a watermark. */
export function isSealed({ sealed, block }: BlockCell, to: number): boolean {
  return sealed && (block + 1) * 1_000 <= to;
}

/** A failed request: an error, or no answer within the limit. */
export function failures(arm: ArmSums): number {
  return arm.errors + arm.stuck;
}

/** Requests with a known outcome: answered, or surely too slow. */
export function settled(arm: ArmSums): number {
  return arm.done + arm.stuck;
}

/**
 * Moments of log latency, cut off at the open limit: a stuck request counts at the limit, which is
 * at most its real latency, so that a FAIL that rests on it stands.
 */
export function moments(arm: ArmSums, openTimeoutMs: number): Moments {
  const limit = Math.log(openTimeoutMs / 1_000);
  return {
    n: settled(arm),
    sum: arm.sumLog + arm.stuck * limit,
    sumSq: arm.sumLogSq + arm.stuck * limit * limit,
  };
}

/** Sums a run's sealed cells by epoch and by block. */
export function cutWindow(cut: Cut): EvidenceWindow {
  const inTime = cut.cells.filter((cell) => isSealed(cell, cut.to));
  const isJudged = (cell: BlockCell): boolean =>
    cell.block * 1_000 >= cut.from && (cell.run === '' || cut.judged.has(cell.epoch));
  const judged = inTime.filter(isJudged);
  const stamped = judged.filter((cell) => cell.run === cut.run);
  const judgedSeconds = new Set(stamped.map((cell) => cell.block));
  const unstamped = judged.filter((cell) => cell.run === '' && judgedSeconds.has(cell.block));
  const training = inTime.filter((cell) => cell.run === cut.run && !isJudged(cell));

  const blocks: DesignBlock[] = [];
  const byBlock = Map.groupBy([...training, ...stamped, ...unstamped], (cell) => cell.block);
  for (const [, cells] of [...byBlock].sort(([a], [b]) => a - b)) {
    const past = cells.filter((cell) => cell.run === cut.run && !isJudged(cell));
    const now = cells.filter(isJudged);
    if (past.length > 0) blocks.push({ cells: divide(past, cut), missing: [], judged: false });
    if (now.length === 0) continue;
    // Without any past there is no baseline: such a block only trains it.
    const hasPast = blocks.length > 0;
    blocks.push({ cells: divide(now, cut), missing: gaps(now, cut), judged: hasPast });
  }
  const unknown = [...stamped.map(unanswered), ...unstamped.map((cell) => cell.started)];
  const doubtful = [
    ...stamped.map(unanswered),
    ...unstamped.map((cell) => cell.errors + cell.started - cell.done),
  ];
  return {
    from: cut.from,
    to: Math.max(cut.to, cut.from),
    epochs: sumEpochs(stamped, cut.divided),
    newest: endOf(stamped),
    blocks,
    missing: sum(unknown),
    missingFailures: sum(doubtful),
    cellsHash: hashCells([...training, ...stamped, ...unstamped]),
  };
}

/** Sums an epoch's arms; epochs without a share in `shares` are left out. */
export function sumEpochs(
  cells: readonly BlockCell[],
  shares: ReadonlyMap<number, number>,
): EpochSums[] {
  const result: EpochSums[] = [];
  for (const [epoch, weight] of shares) {
    const own = cells.filter((cell) => cell.epoch === epoch);
    if (own.length === 0) continue;
    result.push({ epoch, weight, control: addUp(own, 'control'), variant: addUp(own, 'variant') });
  }
  return result;
}

/** End of the last block with a request in it, Unix ms; 0 without one. */
export function endOf(cells: readonly BlockCell[]): number {
  return cells.reduce(
    (end, { block, started }) => (started > 0 ? Math.max(end, (block + 1) * 1_000) : end),
    0,
  );
}

/** Adds up arms. */
export function addArms(all: readonly ArmSums[]): ArmSums {
  return {
    started: sum(all.map((arm) => arm.started)),
    done: sum(all.map((arm) => arm.done)),
    errors: sum(all.map((arm) => arm.errors)),
    stuck: sum(all.map((arm) => arm.stuck)),
    sumLog: sum(all.map((arm) => arm.sumLog)),
    sumLogSq: sum(all.map((arm) => arm.sumLogSq)),
  };
}

const sum = (values: readonly number[]): number =>
  values.reduce((total, value) => total + value, 0);

const addUp = (cells: readonly BlockCell[], arm: string): ArmSums =>
  addArms(cells.filter((cell) => cell.arm === arm));

/** Neither done nor stuck although sealed: its agent died meanwhile. */
const unanswered = (cell: BlockCell): number => Math.max(0, cell.started - cell.done - cell.stuck);

function divide(cells: readonly BlockCell[], cut: Cut): DesignCell[] {
  return sumEpochs(
    cells.filter((cell) => cell.run === cut.run),
    cut.divided,
  ).map((epoch) => ({
    p: epoch.weight / 100,
    control: moments(epoch.control, cut.openTimeoutMs),
    variant: moments(epoch.variant, cut.openTimeoutMs),
  }));
}

/** ln of a microsecond, in seconds: no answer comes sooner. */
const soonest = Math.log(1e-6);

/** Unknown requests of a block with bounds on their log latency. */
function gaps(cells: readonly BlockCell[], cut: Cut): MissingUnits[] {
  const latest = Math.log(cut.openTimeoutMs / 1_000);
  const result: MissingUnits[] = [];
  for (const cell of cells) {
    if (cell.run === cut.run) {
      result.push({ n: unanswered(cell), low: soonest, high: latest });
      continue;
    }
    result.push({ n: cell.stuck, low: latest, high: latest });
    result.push({ n: unanswered(cell), low: soonest, high: latest });
    result.push({ n: cell.done, ...histogramBounds(cell, latest) });
  }
  return result.filter((group) => group.n > 0);
}

/** ln(seconds) at the lower edge of a latency bucket. */
const lowerEdge = (bucket: number): number => bucket * Math.log(bucketRatio) - Math.log(1e9);

function histogramBounds(
  { lowest, highest }: BlockCell,
  latest: number,
): { low: number; high: number } {
  if (lowest === null || highest === null) return { low: soonest, high: latest };
  return { low: lowerEdge(lowest), high: lowerEdge(highest + 1) };
}

/** Rows of values: canonical JSON of the objects takes a hundred times longer for a long run. */
function hashCells(cells: readonly BlockCell[]): string {
  const rows = cells.map((cell) => [
    cell.block,
    cell.run,
    cell.epoch,
    cell.arm,
    cell.splitter,
    cell.started,
    cell.done,
    cell.errors,
    cell.stuck,
    cell.sumLog,
    cell.sumLogSq,
    cell.lowest,
    cell.highest,
  ]);
  return sha256(JSON.stringify(rows));
}

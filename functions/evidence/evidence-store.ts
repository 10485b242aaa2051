import type { EvidenceCell, EvidenceReport, TapReport } from '../../knative/events.ts';

/** Cells of all sources summed, per (splitter, run, epoch, arm, block). */
export type MergedCell = Omit<EvidenceCell, 'sequence'>;

/** A merged cell as judging needs it. */
export interface BlockCell extends Omit<MergedCell, 'histogram'> {
  /** First and last latency bucket with a request in it; null without a histogram. */
  readonly lowest: number | null;
  readonly highest: number | null;
  /** Its own source had all answers of the block before it fell silent; half blocks do not count. */
  readonly sealed: boolean;
}

/** Evidence that is still of use; see {@link EvidenceStore.prune}. Unix ms of request starts. */
export interface Keep {
  /** Runs that are not over: all of their cells stay. */
  readonly runs: readonly string[];
  /** Standing and unstamped traffic stays from here on. */
  readonly standingFrom: number;
  /** Cells of other runs stay from here on. */
  readonly endedFrom: number;
}

/** One look at the evidence, chained to the one before. */
export interface Look {
  readonly run: string;
  /** Dense from 1. */
  readonly number: number;
  /** Hash of look number − 1; 64 zeros for the first. */
  readonly previous: string;
  /** SHA-256 of previous + body, hex. */
  readonly hash: string;
  /** Canonical JSON. */
  readonly body: string;
}

/** What is known of an agent, by its newest start. */
export interface EvidenceSource {
  /** The `<uid>` of its source; the whole source where that has another form. */
  readonly node: string;
  /** CloudEvent source of the start, `/nodes/<uid>/<boot>`. */
  readonly source: string;
  /** When its newest report came, Unix ms. */
  readonly heardAt: number;
  /** Every request that started before this is counted, Unix ms; 0 while no report counts. */
  readonly watermarkMs: number;
  /** It said that it rests: silence says nothing against it for a while. */
  readonly resting: boolean;
  /** Reports that were waited for and given up since its first one came; the next one has the same cells. */
  readonly missedReports: number;
  /** What it lost in this start, by `group.cause`; cumulative. */
  readonly loss: Readonly<Record<string, number>>;
  /** Taps that select pods of its node. */
  readonly taps: readonly TapReport[];
}

/** Evidence and looks: small, durable, apart from analytics. Implementations: SQLite; ClickHouse. */
export interface EvidenceStore {
  /**
   * Merges a report: the newest sequence per (source, cell key) wins, so duplicates and
   * reordering change nothing.
   * @param source CloudEvent source of the agent, `/nodes/<uid>/<boot>`.
   * @param receivedAt Unix ms.
   */
  merge(source: string, report: EvidenceReport, receivedAt: number): Promise<void>;
  /** Merged cells of a run, and the unstamped cells of the splitters that the run was seen at. */
  cells(run: string): Promise<readonly BlockCell[]>;
  /**
   * Requests per second of start, splitter and stamp, also of standing traffic (for the ledger).
   * @param window Unix ms of request starts, in whole seconds, [from, to).
   */
  totals(window: {
    readonly from: number;
    readonly to: number;
  }): Promise<readonly Omit<MergedCell, 'histogram'>[]>;
  /**
   * Smallest watermark over sources that reported within `staleAfterMs`; see {@link joinWatermarks} for those that rest, and
   * for undefined. A source's watermark counts once all its earlier reports are here, or given up after 5 s.
   */
  watermark(now: number, staleAfterMs: number): Promise<number | undefined>;
  /** When the newest report of any source came, Unix ms; undefined before the first. */
  heardAt(): Promise<number | undefined>;
  /**
   * Agents that reported since then, each by the start that was heard last: at most 1 000, the newest first.
   * @param since Unix ms.
   */
  sources(since: number): Promise<readonly EvidenceSource[]>;
  /** Deletes the cells, and the sources without any, that nobody needs any more. Looks stay. */
  prune(keep: Keep): Promise<void>;
  /** Smallest `openTimeoutMs` over all sources, or undefined before the first report. */
  openTimeoutMs(): Promise<number | undefined>;
  /** Appends a look; false when that number is taken already. */
  appendLook(look: Look): Promise<boolean>;
  /** Looks of a run, by number. */
  looks(run: string): Promise<readonly Look[]>;
  /** The look with the highest number. */
  lastLook(run: string): Promise<Look | undefined>;
  close(): Promise<void>;
}

import type { AnalyticsStore, BatchRecord, SpanBlock } from '../analytics/store.ts';
import { CloverError } from '../lib/errors.ts';

/** When a group of batches is inserted, and how much may wait. */
export interface BatcherLimits {
  /** A group this large is inserted as soon as one of the insert slots is free. */
  readonly rows: number;
  readonly bytes: number;
  /** A smaller group goes this long after the group before it: at once after a pause. */
  readonly waitMs: number;
  /** Inserts at the same time. */
  readonly inFlight: number;
  /** Bytes that may be waiting or on their way; what comes on top is refused. */
  readonly queueBytes: number;
}

/** Inserts cost ClickHouse the same whether small or large, so batches are inserted in groups. */
export interface Batcher {
  /**
   * Whether this many bytes more may come in; asked before the work of decoding them.
   * @throws CloverError CLV_OVERLOADED with Retry-After.
   */
  admit(bytes: number): void;
  /**
   * Resolves once the block and its ledger row are stored; rejects with the store's error, and
   * then nothing of it is remembered here.
   */
  add(block: SpanBlock, record: BatchRecord): Promise<void>;
  /** Inserts that were done, and bytes in memory now. */
  counters(): { readonly inserts: number; readonly failedInserts: number; readonly queued: number };
  /** Inserts what is waiting and resolves when nothing is in flight. */
  close(): Promise<void>;
}

interface Waiting {
  readonly block: SpanBlock;
  readonly record: BatchRecord;
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
}

/** A {@link Batcher} over a store. */
export function createBatcher(
  store: Pick<AnalyticsStore, 'insertSpans' | 'recordBatches'>,
  limits: BatcherLimits,
): Batcher {
  let waiting: Waiting[] = [];
  let timer: NodeJS.Timeout | undefined;
  let due = false;
  let lastWentMs = -Infinity;
  let queued = 0;
  let inserts = 0;
  let failedInserts = 0;
  const flying = new Set<Promise<void>>();

  const insert = async (group: readonly Waiting[]): Promise<void> => {
    try {
      await store.insertSpans(group.map(({ block }) => block));
      await store.recordBatches(group.map(({ record }) => record));
      inserts += 1;
      for (const { resolve } of group) resolve();
    } catch (error) {
      failedInserts += 1;
      for (const { reject } of group) reject(error);
    }
  };

  /** The oldest batches up to the limits, at least one. */
  const nextGroup = (): Waiting[] => {
    let rows = 0;
    let bytes = 0;
    let count = 0;
    for (const { block } of waiting) {
      if (rows >= limits.rows || bytes >= limits.bytes) break;
      rows += block.spans;
      bytes += block.data.length;
      count += 1;
    }
    due ||= rows >= limits.rows || bytes >= limits.bytes;
    return due ? waiting.slice(0, count) : [];
  };

  const pump = (): void => {
    while (waiting.length > 0 && flying.size < limits.inFlight) {
      const group = nextGroup();
      if (group.length === 0) break;
      due = false;
      lastWentMs = performance.now();
      clearTimeout(timer);
      timer = undefined;
      waiting = waiting.slice(group.length);
      const flight = insert(group).finally(() => {
        flying.delete(flight);
        for (const { block } of group) queued -= block.data.length;
        pump();
      });
      flying.add(flight);
    }
    if (waiting.length === 0 || due) return;
    const waitMs = Math.max(0, lastWentMs + limits.waitMs - performance.now());
    timer ??= setTimeout(() => {
      due = true;
      pump();
    }, waitMs);
  };

  return {
    admit(bytes) {
      if (queued + bytes <= limits.queueBytes) return;
      throw new CloverError('CLV_OVERLOADED', 'too many spans wait to be stored', {
        retryAfter: 1,
      });
    },

    add: (block, record) =>
      new Promise((resolve, reject) => {
        waiting.push({ block, record, resolve, reject });
        queued += block.data.length;
        pump();
      }),

    counters: () => ({ inserts, failedInserts, queued }),

    async close() {
      while (waiting.length > 0 || flying.size > 0) {
        due = true;
        pump();
        await Promise.all(flying);
      }
    },
  };
}

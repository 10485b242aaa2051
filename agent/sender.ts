import type { Logger } from 'pino';
import type { Clock } from '../functions/lib/clock.ts';
import type { Deliver, DeliveryOutcome } from './delivery.ts';
import type { Pace } from './pace.ts';
import { decodeSpoolFile } from './spool-file.ts';
import type { Spool, SpoolEntry } from './spool.ts';

/** Delivers the batches of a spool to their receiver. */
export interface Sender {
  /** Says that the spool has something new. */
  readonly wake: () => void;
  /** Looks at a spool file that the system refused, cumulative; those batches are kept. */
  readonly readFailures: number;
  /** Why the receiver took nothing of late; undefined while it takes what it is sent. */
  readonly refusal: string | undefined;
  /** Goes on until the spool is empty or `ms` are over, with 0 not at all; afterwards nothing is in flight. */
  stop(ms: number): Promise<void>;
}

/** What {@link createSender} needs. */
export interface SenderOptions {
  readonly spool: Spool;
  readonly deliver: Deliver;
  /** The receiver's name, for the log. */
  readonly receiver: string;
  readonly pace: Pace;
  readonly clock: Clock;
  readonly log: Logger;
}

/** A file that the system does not give now (EMFILE, ENOMEM, EIO) may be given later. */
const readAgainMs = 2_000;

/** A sender; it starts with the first wake. */
export function createSender(options: SenderOptions): Sender {
  const { spool, pace, receiver, clock, log } = options;
  const abort = new AbortController();
  const inFlight = new Set<Promise<void>>();
  /** Batches that are to be read again, by what gives them back to the spool. */
  const unread = new Map<SpoolEntry, NodeJS.Timeout>();
  let timer: NodeJS.Timeout | undefined;
  let refusal: string | undefined;
  let rejecting = false;
  let unreadable = false;
  let readFailures = 0;

  const onRefusal = (entry: SpoolEntry, why: string, retryAfterMs?: number): void => {
    spool.release(entry);
    pace.onRefusal(clock.now(), retryAfterMs);
    // One line per outage; the ledger has the counts.
    if (refusal === undefined && !abort.signal.aborted)
      log.warn({ receiver, why, retryAfterMs }, 'the receiver does not take spans: they are kept');
    refusal = why;
  };

  /** The others go on meanwhile, at a slower pace: it may be the machine that has no room. */
  const onUnreadable = async (entry: SpoolEntry, error: unknown): Promise<void> => {
    const { file, spans } = entry;
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') {
      log.error({ file, spans }, 'somebody has removed a spool file: spans lost');
      await spool.drop(entry, 'spool_missing');
      return;
    }
    readFailures += 1;
    if (!unreadable) log.error({ err: error, file }, 'a spool file cannot be read now: it is kept');
    unreadable = true;
    pace.onRefusal(clock.now(), undefined);
    const again = setTimeout(() => {
      giveBack(entry);
      pump();
    }, readAgainMs);
    unread.set(entry, again);
  };

  const giveBack = (entry: SpoolEntry): void => {
    clearTimeout(unread.get(entry));
    unread.delete(entry);
    spool.release(entry);
  };

  const deliver = async (entry: SpoolEntry): Promise<void> => {
    let file: Buffer;
    try {
      file = await spool.read(entry);
    } catch (error) {
      await onUnreadable(entry, error);
      return;
    }
    if (unread.size === 0) unreadable = false;
    const content = decodeSpoolFile(file);
    if (content === undefined) {
      log.error({ file: entry.file, spans: entry.spans }, 'a spool file is damaged: spans lost');
      await spool.drop(entry, 'spool_damaged');
      return;
    }
    const outcome = await options
      .deliver(content, abort.signal)
      .catch((error: unknown): DeliveryOutcome => ({
        kind: 'later',
        why: String(error),
        retryAfterMs: undefined,
      }));
    if (outcome.kind === 'taken') {
      pace.onSuccess();
      if (refusal !== undefined || rejecting)
        log.info({ receiver }, 'the receiver takes spans again');
      refusal = undefined;
      rejecting = false;
      await spool.free(entry, outcome.refused);
    } else if (outcome.kind === 'never') {
      const { why } = outcome;
      if (!rejecting)
        log.error({ receiver, file: entry.file, why }, 'a batch was refused for ever');
      rejecting = true;
      await spool.reject(entry);
    } else {
      onRefusal(entry, outcome.why, outcome.retryAfterMs);
    }
  };

  const pump = (): void => {
    const wait = pace.notBefore - clock.now();
    if (abort.signal.aborted) return;
    if (wait > 0) {
      timer ??= setTimeout(() => {
        timer = undefined;
        pump();
      }, wait);
      return;
    }
    while (inFlight.size < pace.window) {
      const entry = spool.take();
      if (entry === undefined) return;
      const delivery = deliver(entry)
        .catch((error: unknown) => {
          log.error({ err: error, file: entry.file }, 'the spool failed');
        })
        .finally(() => {
          inFlight.delete(delivery);
          pump();
        });
      inFlight.add(delivery);
    }
  };

  return {
    wake: pump,
    get readFailures() {
      return readFailures;
    },
    get refusal() {
      return refusal;
    },
    async stop(ms) {
      const deadline = clock.now() + ms;
      if (ms > 0) pump();
      while (spool.entries().length > 0 && Math.max(clock.now(), pace.notBefore) < deadline) {
        await clock.sleep(20);
      }
      abort.abort();
      clearTimeout(timer);
      await Promise.all(inFlight);
      for (const entry of unread.keys()) giveBack(entry);
    },
  };
}

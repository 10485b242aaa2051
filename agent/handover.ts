import type { Logger } from 'pino';
import type { Clock } from '../functions/lib/clock.ts';
import { never, type Capture } from '../native/capture/types.ts';
import type { Place } from './place.ts';
import type { Predecessor } from './predecessor.ts';
import { awaitSuccessor, type Succession } from './succession.ts';

/** An agent's place in the line of those of its node, each of which counts from where the one before it ends. */
export interface Handover {
  /** Whether requests that begin from now on are, or soon will be, this agent's. */
  readonly owns: boolean;
  /** Resolves when a successor that is here has taken over and what began before is done; bounded. */
  beforeStop(): Promise<void>;
  close(): Promise<void>;
}

/** What {@link startHandover} needs. */
export interface HandoverOptions {
  readonly place: Place;
  readonly capture: Pick<
    Capture,
    | 'setWindow'
    | 'handOver'
    | 'hold'
    | 'takeOver'
    | 'handOverRequests'
    | 'takeOverRequests'
    | 'ledger'
  >;
  /** Requests open for longer are not waited for, but given to the successor. */
  readonly openTimeoutMs: number;
  /** Whether all is attached that is to be. */
  readonly settled: () => boolean;
  /** The predecessor has ended: what it left on disk is this agent's. */
  readonly onInherit: () => Promise<void>;
  /** A successor has all of the traffic. */
  readonly onRetired: () => Promise<void>;
  /** Nobody counts, as the successor that took over has gone, or this agent cannot take over: it is to be started anew. */
  readonly onOrphaned: () => void;
  readonly clock: Clock;
  readonly log: Logger;
}

/** Connections that are older than the newcomer have to be between two requests once in this time, or are told apart later. */
const leadMs = 1_000;
/** A packet that the kernel is busy with comes up within this time. */
const inFlightMs = 50;
/** Some pod may never get an interface. */
const settleMs = 5_000;
const successorMs = 10_000;
/** One that had to wait looks ten times a second whether it is its turn. */
const turnMs = 1_000;
const lookMs = 50;

/** For so long what comes is left unread while the predecessor is asked for its state, and for requests. */
const holdMs = { state: 5_000, requests: 2_000 } as const;

const nowNs = (): bigint => process.hrtime.bigint();

/** Takes the agent's place: at once where nobody is there, else behind the predecessor. */
export async function startHandover(options: HandoverOptions): Promise<Handover> {
  const { place, capture, openTimeoutMs, clock, log } = options;
  const { socketPath, predecessor } = place;
  const ending = new AbortController();
  let fromNs = predecessor === undefined ? 0n : never;
  let owns = predecessor === undefined;
  let retired: Promise<void> | undefined;
  let succession: Succession | undefined;

  const until = async (so: () => boolean, ms: number): Promise<void> => {
    const deadline = clock.now() + ms;
    while (!so() && clock.now() < deadline && !ending.signal.aborted) await clock.sleep(lookMs);
  };

  const retire = async (): Promise<void> => {
    // All that began before has come up at both: what is given then is what is open.
    await clock.sleep(leadMs + inFlightMs);
    await until(() => capture.ledger().requests.open === 0, openTimeoutMs);
    await succession?.offerRequests(() => capture.handOverRequests());
    await options.onRetired();
    log.info('retired');
  };

  const listen = async (): Promise<void> => {
    succession = await awaitSuccessor({
      socketPath,
      onReady: () => {
        const untilNs = nowNs() + BigInt(leadMs) * 1_000_000n;
        capture.setWindow({ fromNs, untilNs });
        owns = false;
        retired = retire();
        return { fromNs: untilNs, state: capture.handOver() };
      },
      onLost: (took) => {
        if (took && !ending.signal.aborted) options.onOrphaned();
      },
      log,
    });
    place.admitNext();
  };

  const takeOver = async (before: Predecessor): Promise<void> => {
    await until(options.settled, settleMs);
    let heldNs = nowNs();
    const given = await before.takeOver(() => {
      heldNs = nowNs();
      capture.hold(holdMs.state);
    });
    if (ending.signal.aborted) return;
    if (given === undefined) log.warn('the predecessor has ended without a handover');
    else capture.takeOver(given.state);
    fromNs = given?.fromNs ?? nowNs();
    capture.setWindow({ fromNs, untilNs: never });
    owns = true;
    const now = nowNs();
    // Until then all lies unread in the ring.
    const unreadUntilNs = heldNs + BigInt(holdMs.state) * 1_000_000n;
    if (fromNs < now && unreadUntilNs < now) {
      log.error({ lateNs: String(now - fromNs) }, 'the handover came late: requests are missing');
    }
    const { connections, refused } = capture.ledger().takenOver;
    log.info({ from: String(fromNs), connections, refused }, 'taken over');
    // Whoever asks for them makes the predecessor forget them: of one of another version they could not be read.
    const isReadable = refused['other_version'] === undefined;
    const requests = isReadable
      ? await before.requests(() => capture.hold(holdMs.requests))
      : undefined;
    if (ending.signal.aborted) return;
    if (requests === undefined) {
      // Nor is anything held any more.
      capture.setWindow({ fromNs, untilNs: never });
    } else {
      capture.takeOverRequests(requests);
      // What has begun before is nobody else's any more.
      fromNs = 0n;
    }
    await before.ended();
    if (ending.signal.aborted) return;
    await options.onInherit();
    await listen();
  };

  let following = Promise.resolve();
  if (predecessor === undefined) {
    await listen();
  } else {
    capture.setWindow({ fromNs: never, untilNs: never });
    following = takeOver(predecessor).catch((error: unknown) => {
      log.error({ err: error }, 'the handover failed');
      if (!ending.signal.aborted) options.onOrphaned();
    });
  }

  return {
    get owns() {
      return owns;
    },
    async beforeStop() {
      // The one before it ends, and another may wait for that to take its turn.
      if (owns && succession === undefined) {
        await until(() => succession !== undefined, successorMs);
        await until(() => succession?.expected === true, turnMs);
      }
      // The wish to end comes when the successor is ready, or before: then it is nearly so.
      await until(() => retired !== undefined || succession?.expected !== true, successorMs);
      succession?.refuse();
      await retired;
    },
    async close() {
      ending.abort();
      predecessor?.close();
      await following;
      await succession?.close();
      place.close();
    },
  };
}

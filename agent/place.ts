import { mkdir } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { Logger } from 'pino';
import type { Clock } from '../functions/lib/clock.ts';
import { CloverError } from '../functions/lib/errors.ts';
import { tryLock, type FileLock } from '../functions/lib/file-lock.ts';
import { follow, type Predecessor } from './predecessor.ts';

/** An agent's place among those of its node: one is the last that counts, one more may follow it, all others wait. */
export interface Place {
  /** Where the last that counts listens for the one that follows. */
  readonly socketPath: string;
  /** Undefined for an agent that found nobody. */
  readonly predecessor: Predecessor | undefined;
  /** Lets the next one look for this agent: it has to listen by then. */
  admitNext(): void;
  /** Leaves; may be called again. */
  close(): void;
}

/** What {@link takePlace} needs. */
export interface PlaceOptions {
  readonly socketPath: string;
  readonly clock: Clock;
  readonly log: Logger;
}

const lookMs = 100;
/** An agent that ends takes no longer than its grace of 45 s. */
const patienceMs = 60_000;

/**
 * Waits until no other agent of the node is about to follow, and finds the one that is followed. Who lives is told by two locks
 * beside the socket, which the kernel takes from a process that ends: a socket tells neither a dead agent from one that does not
 * listen yet, nor the end of an agent from the end of a connection.
 *
 * @throws CloverError CLV_DEADLINE_EXCEEDED after a minute, CLV_CONFIG_INVALID for a folder without locks.
 */
export async function takePlace({ socketPath, clock, log }: PlaceOptions): Promise<Place> {
  await mkdir(dirname(socketPath), { recursive: true });
  const turn = await waitForTurn({ socketPath, clock, log });
  let last: FileLock | undefined;
  /** Whether the one before has ended: then its place is this agent's. */
  const inherit = (): boolean => {
    last ??= lockBeside(socketPath, 'last');
    return last !== undefined;
  };
  try {
    const predecessor = inherit() ? undefined : follow({ socketPath, inherit, clock, log });
    return {
      socketPath,
      predecessor,
      admitNext: () => turn.release(),
      close() {
        predecessor?.close();
        last?.release();
        turn.release();
      },
    };
  } catch (error) {
    turn.release();
    throw error;
  }
}

async function waitForTurn({ socketPath, clock, log }: PlaceOptions): Promise<FileLock> {
  const deadline = clock.now() + patienceMs;
  for (let tries = 0; clock.now() < deadline; tries += 1) {
    const turn = lockBeside(socketPath, 'next');
    if (turn !== undefined) return turn;
    if (tries === 0) log.info('another agent of this node is about to take over: it goes first');
    await clock.sleep(lookMs);
  }
  throw new CloverError(
    'CLV_DEADLINE_EXCEEDED',
    `another agent of this node has been about to take over for ${patienceMs / 1_000} s: end it, or the one before it`,
  );
}

function lockBeside(socketPath: string, place: 'last' | 'next'): FileLock | undefined {
  const file = `${socketPath}.${place}`;
  try {
    return tryLock(file);
  } catch (cause) {
    throw new CloverError(
      'CLV_CONFIG_INVALID',
      `${file} cannot be locked: handoverSocket has to be in a folder of this machine that the agent may write to`,
      { cause },
    );
  }
}

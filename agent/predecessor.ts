import { once } from 'node:events';
import { connect } from 'node:net';
import { createInterface } from 'node:readline';
import type { Logger } from 'pino';
import { z } from 'zod';
import type { Clock } from '../functions/lib/clock.ts';
import { CloverError } from '../functions/lib/errors.ts';
import type { Bequest } from './succession.ts';

/** The agent of this node that was here before, and still counts. */
export interface Predecessor {
  /**
   * Asks for the traffic; resolves to undefined when it ended instead.
   * @param onAsk called before each time that it is asked.
   * @throws CloverError CLV_DEADLINE_EXCEEDED when it does neither within a minute.
   */
  takeOver(onAsk: () => void): Promise<Bequest | undefined>;
  /**
   * Waits until it offers the requests that it does not wait for, and asks for them; resolves to undefined when it ends without.
   * @param onAsk called before it is asked.
   */
  requests(onAsk: () => void): Promise<Buffer | undefined>;
  /** Resolves when it has ended, or after {@link Predecessor.close}. */
  ended(): Promise<void>;
  close(): void;
}

/** What {@link follow} needs. */
export interface FollowOptions {
  readonly socketPath: string;
  /** Whether it has ended; its place is taken with that. */
  readonly inherit: () => boolean;
  readonly clock: Clock;
  readonly log: Logger;
}

/** One of another version may have no state, or say more. */
const answer = z.object({
  from: z.string().regex(/^\d{1,20}$/),
  state: z.base64().default(''),
});

const rest = z.object({ requests: z.base64() });

const lookMs = 50;
const patienceMs = 60_000;

/** Follows the agent that listens at a socket, or soon does. */
export function follow({ socketPath, inherit, clock, log }: FollowOptions): Predecessor {
  // Also without a question: who is to end waits for one that is there.
  let line = dial(socketPath);
  const closing = new AbortController();

  return {
    async takeOver(onAsk) {
      const deadline = clock.now() + patienceMs;
      for (let tries = 0; ; tries += 1) {
        const timer = setTimeout(line.close, deadline - clock.now());
        onAsk();
        const text = await line.ask('ready');
        clearTimeout(timer);
        if (text !== undefined) {
          const { from, state } = answer.parse(JSON.parse(text));
          return { fromNs: BigInt(from), state: Buffer.from(state, 'base64') };
        }
        if (closing.signal.aborted || inherit()) return undefined;
        if (clock.now() >= deadline) {
          throw new CloverError(
            'CLV_DEADLINE_EXCEEDED',
            `the agent before this one did not hand over in ${patienceMs / 1_000} s: end it`,
          );
        }
        if (tries === 0) log.info('the agent before this one takes no successor now: asked again');
        await clock.sleep(lookMs);
        line = dial(socketPath);
      }
    },
    async requests(onAsk) {
      if ((await line.next()) === undefined) return undefined;
      onAsk();
      const text = await line.ask('requests');
      if (text === undefined) return undefined;
      return Buffer.from(rest.parse(JSON.parse(text)).requests, 'base64');
    },
    async ended() {
      await line.closed;
      for (let tries = 0; !closing.signal.aborted && !inherit(); tries += 1) {
        if (tries === 1) log.info('the agent before this one is about to end');
        await clock.sleep(lookMs);
      }
    },
    close() {
      closing.abort();
      line.close();
    },
  };
}

interface Line {
  /** What it says next; undefined when there is nobody, or nobody any more. */
  next(): Promise<string | undefined>;
  /** Its answer. */
  ask(what: 'ready' | 'requests'): Promise<string | undefined>;
  readonly closed: Promise<void>;
  readonly close: () => void;
}

function dial(socketPath: string): Line {
  const socket = connect(socketPath);
  const lines = createInterface(socket);
  // Both have an error that is not ours to handle: the end follows.
  for (const emitter of [socket, lines]) emitter.on('error', () => undefined);
  const closed = new Promise<void>((resolve) => {
    socket.on('close', () => resolve());
  });
  const next = (): Promise<string | undefined> => {
    const text = once(lines, 'line').then(([first]: unknown[]) => String(first));
    return Promise.race([text.catch(() => undefined), closed.then(() => undefined)]);
  };
  return {
    next,
    ask(what) {
      const text = next();
      socket.write(`${what}\n`);
      return text;
    },
    closed,
    close: () => socket.destroy(),
  };
}

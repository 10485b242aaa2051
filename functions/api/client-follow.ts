import type { Clock } from '../lib/clock.ts';
import { CloverError } from '../lib/errors.ts';
import { serverSentEvents, type ServerSentEvent } from './client-text.ts';
import { receivedProblem } from './schemas/problem.ts';
import type { Transport } from './transport.ts';

const firstPauseMs = 200;
const longestPauseMs = 5_000;

/** Pauses between attempts, longer and longer until something comes. */
export interface Pauses {
  /** Something came: the next pause is short again. */
  reset(): void;
  /** Resolves after the pause, or when the signal aborts. */
  wait(signal: AbortSignal): Promise<void>;
}

/** Doubles from 200 ms to 5 s. */
export function createPauses(clock: Clock): Pauses {
  let pauseMs = firstPauseMs;
  return {
    reset: () => {
      pauseMs = firstPauseMs;
    },
    wait: async (signal) => {
      await clock.sleep(pauseMs, signal).catch(() => undefined);
      pauseMs = Math.min(pauseMs * 2, longestPauseMs);
    },
  };
}

/** What is followed. */
interface FollowRequest {
  readonly path: string;
  readonly signal: AbortSignal;
  /** Called each time that a stream which had ended or broken is open again. */
  readonly onResume?: (() => void) | undefined;
}

/**
 * The events of a stream of the server, until the signal aborts. A stream that ends or breaks is taken up anew, with
 * the last id.
 * @throws CloverError what the server refuses with, or CLV_CONTROL_PLANE_UNREACHABLE when none answers at the very first.
 */
export async function* followStream(
  transport: Transport,
  clock: Clock,
  { path, signal, onResume }: FollowRequest,
): AsyncGenerator<ServerSentEvent> {
  const pauses = createPauses(clock);
  let started = false;
  let lastId = '';
  while (!signal.aborted) {
    try {
      const headers = {
        accept: 'text/event-stream',
        ...(lastId === '' ? {} : { 'last-event-id': lastId }),
      };
      const response = await transport.open(path, { signal, headers });
      if (started) onResume?.();
      started = true;
      for await (const message of serverSentEvents(response)) {
        pauses.reset();
        lastId = message.id;
        if (message.event === 'error') throw refusal(message.data);
        yield message;
      }
    } catch (error) {
      if (signal.aborted) return;
      if (!started || !(error instanceof CloverError) || !passes(error)) throw error;
    }
    await pauses.wait(signal);
  }
}

/** What a server that comes and goes says. */
const passes = ({ code }: CloverError): boolean =>
  code === 'CLV_CONTROL_PLANE_UNREACHABLE' || code === 'CLV_OVERLOADED';

function refusal(data: string): CloverError {
  const { code, detail = code, details } = receivedProblem.parse(JSON.parse(data));
  return new CloverError(code, detail, { details });
}

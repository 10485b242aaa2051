import type { ServerResponse } from 'node:http';

/** The least that has to come in of a body. */
export interface LeastPace {
  /** Milliseconds in which `bytes` have to come in, or the rest. */
  readonly windowMs: number;
  /** Bytes on the wire. */
  readonly bytes: number;
}

/** 240 bytes a second after five seconds, as Kestrel asks for: a modem is ten times as fast. */
export const defaultPace: LeastPace = { windowMs: 5_000, bytes: 1_200 };

/** Options of {@link createBodyPace}. */
export interface BodyPaceOptions extends LeastPace {
  /** Every response without its end. */
  readonly open: Iterable<ServerResponse, void, void>;
  /** Told of a request whose body comes in too slowly. */
  readonly onSlow: (response: ServerResponse) => void;
}

/** Watches how fast bodies come in. */
export interface BodyPace {
  /** Looks at all of them; at least a few times a window, with the milliseconds of a monotonic clock. */
  sweep(now: number): void;
}

/**
 * Finds bodies that come in too slowly to be worth the memory and the places that they hold. It sweeps, as Node does for its
 * own limits: requests that are whole at once, nearly all, cost nothing.
 */
export function createBodyPace({ open, windowMs, bytes, onSlow }: BodyPaceOptions): BodyPace {
  const windows = new WeakMap<ServerResponse, { at: number; read: number }>();
  return {
    sweep: (now) => {
      for (const response of open) {
        const { socket } = response.req;
        if (!isAwaited(response)) {
          windows.delete(response);
          continue;
        }
        const window = windows.get(response);
        const read = socket.bytesRead;
        if (window !== undefined && now - window.at < windowMs) continue;
        if (window !== undefined && read - window.read < bytes) onSlow(response);
        else windows.set(response, { at: now, read });
      }
    },
  };
}

/** Whether nothing but the sender holds up the request: someone reads its body, and has read all that came. */
export function isAwaited({ req: request, headersSent }: ServerResponse): boolean {
  return (
    !request.complete &&
    !request.destroyed &&
    !headersSent &&
    request.readableFlowing !== null &&
    request.readableLength === 0
  );
}

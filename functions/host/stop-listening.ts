import type { Server, ServerResponse } from 'node:http';
import { Server as NetServer } from 'node:net';
import { setImmediate, setTimeout as delay } from 'node:timers/promises';
import { monotonicMs } from '../lib/monotonic.ts';
import type { Slots } from '../lib/slots.ts';

const pollMs = 10;
const quietMs = 50;
/** Who has connected on a machine under load may ask only much later. */
const askMs = 1_000;

/**
 * Makes what ends the listening of a server without cutting off anybody: after a grace in which callers hear that
 * it is ready no more, once nobody new has come for a moment. Resolves when everybody who has connected has asked, too.
 * The first takes at most as long again as the grace, the second a second.
 * @param open responses that are not out, or not the whole of them.
 */
export function createStopListening(
  server: Server,
  open: Slots<ServerResponse>,
): (graceMs: number) => Promise<void> {
  let arrived = 0;
  server.on('connection', () => {
    arrived += 1;
  });
  return async (graceMs) => {
    await delay(graceMs);
    // A process that was given no time has neither taken who came meanwhile nor told them, and closing would reset them.
    const quietEnd = monotonicMs() + graceMs;
    for (let before = -1; before !== arrived && monotonicMs() < quietEnd;) {
      before = arrived;
      await delay(quietMs);
    }
    // Right after the loop has looked for new ones: whoever comes in between is reset.
    await setImmediate();
    closePort(server);
    const end = monotonicMs() + askMs;
    do {
      // Node counts among the idle those whose answer has its end but is not out: they would be cut.
      if (![...open].some(isLeaving)) server.closeIdleConnections();
      await delay(pollMs);
    } while ((await connections(server)) > answering(open) && monotonicMs() < end);
  };
}

/** Ends the listening and nothing else: `close` of an HTTP server cuts answers that are still being sent. */
export function closePort(server: Server): void {
  NetServer.prototype.close.call(server);
}

/**
 * Connections that have asked and are not answered. A response outlives its connection for a moment, and must not stand for
 * another one, which would be cut before it has asked.
 */
function answering(open: Slots<ServerResponse>): number {
  return [...open].filter(({ socket }) => socket?.destroyed === false).length;
}

function isLeaving({ writableEnded, writableFinished }: ServerResponse): boolean {
  return writableEnded && !writableFinished;
}

function connections(server: Server): Promise<number> {
  return new Promise((resolve, reject) => {
    server.getConnections((error, count) => {
      if (error === null) resolve(count);
      else reject(error);
    });
  });
}

import { once } from 'node:events';
import { rm } from 'node:fs/promises';
import { createServer, type Server, type Socket } from 'node:net';
import { createInterface, type Interface } from 'node:readline';
import type { Logger } from 'pino';

/** Waits for the agent that comes after. */
export interface Succession {
  /** A successor is there. */
  readonly expected: boolean;
  /** From now on no agent takes over that has not done so. */
  refuse(): void;
  /**
   * Tells a successor that has taken over that there is more, and says it when it asks for it, which it does within a second. Does
   * nothing where it has gone, or knows nothing of this.
   */
  offerRequests(say: () => Buffer): Promise<void>;
  close(): Promise<void>;
}

/** One that does not ask in this time is of another version. */
const askMs = 1_000;

/** What an agent leaves to its successor. */
export interface Bequest {
  /** When the requests begin that are the successor's, in ns of the monotonic clock. */
  readonly fromNs: bigint;
  /** What `Capture.handOver` says. */
  readonly state: Buffer;
}

/** What {@link awaitSuccessor} needs. */
export interface SuccessionOptions {
  readonly socketPath: string;
  /** The successor is ready: what is it to know? */
  readonly onReady: () => Bequest;
  /** It has gone; `took`: after it had taken over. */
  readonly onLost: (took: boolean) => void;
  readonly log: Logger;
}

/**
 * Listens for a successor, in place of whoever listened there before and has ended.
 *
 * Rejects when the socket cannot be made.
 */
export async function awaitSuccessor(options: SuccessionOptions): Promise<Succession> {
  const { socketPath, onReady, onLost, log } = options;
  let successor: Socket | undefined;
  let heard: Interface | undefined;
  let took = false;
  let refuses = false;

  const welcome = (socket: Socket): void => {
    const lines = createInterface(socket);
    // Both have an error that is not ours to handle: the end follows.
    for (const emitter of [socket, lines]) emitter.on('error', () => undefined);
    // The end of one that is no more may be told after the next one has come: that one asks again.
    if (successor !== undefined || took || refuses) {
      socket.destroy();
      return;
    }
    successor = socket;
    heard = lines;
    log.info('a successor is here');
    socket.on('close', () => {
      successor = undefined;
      onLost(took);
    });
    lines.once('line', () => {
      if (refuses) return;
      took = true;
      const { fromNs, state } = onReady();
      const from = String(fromNs);
      socket.write(`${JSON.stringify({ from, state: state.toString('base64') })}\n`);
      log.info({ from, stateBytes: state.length }, 'handed over');
    });
  };

  await rm(socketPath, { force: true });
  const server: Server = createServer(welcome);
  server.listen(socketPath);
  await once(server, 'listening');
  return {
    get expected() {
      return successor !== undefined;
    },
    refuse() {
      refuses = true;
      if (!took) successor?.destroy();
    },
    async offerRequests(say) {
      const [socket, lines] = [successor, heard];
      if (socket === undefined || lines === undefined) return;
      const timer = AbortSignal.timeout(askMs);
      const asked = Promise.race([
        once(lines, 'line', { signal: timer }),
        once(socket, 'close', { signal: timer }).then(() => undefined),
      ]).catch(() => undefined);
      socket.write('{"more":"requests"}\n');
      if ((await asked) === undefined) return;
      const requests = say().toString('base64');
      socket.write(`${JSON.stringify({ requests })}\n`);
    },
    async close() {
      successor?.destroy();
      server.close();
      await once(server, 'close');
    },
  };
}

import { once } from 'node:events';
import { rm } from 'node:fs/promises';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { createInterface } from 'node:readline';
import type { Logger } from 'pino';
import { z } from 'zod';

/** The agent of this node that was here before, and still counts. */
export interface Predecessor {
  /**
   * Asks for the requests that begin at a time, in ns of the monotonic clock; resolves to that time, or to undefined when it
   * ended instead.
   */
  takeOver(): Promise<bigint | undefined>;
  /** Resolves when it has ended. */
  readonly ended: Promise<void>;
  close(): void;
}

/** Waits for the agent that comes after. */
export interface Succession {
  /** A successor is there. */
  readonly expected: boolean;
  close(): Promise<void>;
}

/** What {@link awaitSuccessor} needs. */
export interface SuccessionOptions {
  readonly socketPath: string;
  /** The successor is ready: from when on are requests its own? In ns of the monotonic clock. */
  readonly onReady: () => bigint;
  /** It has gone; `took`: after it had taken over. */
  readonly onLost: (took: boolean) => void;
  readonly log: Logger;
}

const answer = z.strictObject({ from: z.string().regex(/^\d{1,20}$/) });

/** The living agent behind a socket; undefined without one. */
export async function findPredecessor(socketPath: string): Promise<Predecessor | undefined> {
  const socket = connect(socketPath);
  try {
    await once(socket, 'connect');
  } catch {
    // Nobody listens: there is no file, or its owner has ended.
    return undefined;
  }
  socket.on('error', () => undefined);
  const lines = createInterface(socket);
  const ended = new Promise<void>((resolve) => {
    socket.on('close', () => resolve());
  });
  return {
    async takeOver() {
      const line = Promise.race([
        once(lines, 'line').then(([text]: unknown[]) => String(text)),
        ended.then(() => undefined),
      ]);
      socket.write('ready\n');
      const text = await line;
      return text === undefined ? undefined : BigInt(answer.parse(JSON.parse(text)).from);
    },
    ended,
    close: () => socket.destroy(),
  };
}

/**
 * Listens for a successor, in place of whoever listened there before and has ended.
 *
 * Rejects when the socket cannot be made.
 */
export async function awaitSuccessor(options: SuccessionOptions): Promise<Succession> {
  const { socketPath, onReady, onLost, log } = options;
  let successor: Socket | undefined;

  const welcome = (socket: Socket): void => {
    // One at a time: a node has one agent, and for a while the next one.
    if (successor !== undefined) {
      socket.destroy();
      return;
    }
    successor = socket;
    let took = false;
    log.info('a successor is here');
    socket.on('error', () => undefined);
    socket.on('close', () => {
      successor = undefined;
      onLost(took);
    });
    createInterface(socket).once('line', () => {
      took = true;
      const from = onReady();
      socket.write(`${JSON.stringify({ from: String(from) })}\n`);
      log.info({ from: String(from) }, 'handed over');
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
    async close() {
      successor?.destroy();
      server.close();
      await once(server, 'close');
    },
  };
}

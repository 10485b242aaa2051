import type { ServerResponse } from 'node:http';
import type { Socket } from 'node:net';

/** Options of {@link createLinger}. */
export interface LingerOptions {
  /** Responses that are not closed. */
  readonly open: Iterable<ServerResponse, void, void>;
  /** Connections at the same time; those above it are closed at once. Default 256. */
  readonly connections?: number;
  /** Milliseconds that one has. Default 2 000. */
  readonly ms?: number;
  /** Bytes that are read away of one. Default 16 MiB. */
  readonly bytes?: number;
}

/** Connections that end behind an answer to a request that has not come in whole. */
export interface Linger {
  /** Has a new connection end so. */
  watch(socket: Socket): void;
  /** Connections that end so at the moment. */
  count(): number;
}

/**
 * The lingering close of RFC 9112 §9.6: a connection that is closed while its client still sends is reset, and the client
 * may lose the answer that says why. So this side ends, reads away what comes for a while, and then closes.
 */
export function createLinger(options: LingerOptions): Linger {
  const { open, connections = 256, ms = 2_000, bytes = 16 * 1024 * 1024 } = options;
  let count = 0;
  const isUnread = (socket: Socket): boolean =>
    [...open].some(({ req }) => req.socket === socket && !req.complete);
  const end = (socket: Socket): void => {
    count += 1;
    const timer = setTimeout(() => socket.destroy(), ms);
    socket.once('close', () => {
      clearTimeout(timer);
      count -= 1;
    });
    const most = socket.bytesRead + bytes;
    // The parser gets no more of it: the request that was answered must not become whole.
    socket.removeAllListeners('data');
    socket.on('data', () => {
      if (socket.bytesRead > most) socket.destroy();
    });
    socket.on('end', () => socket.destroy());
    socket.resume();
    socket.end();
  };
  return {
    watch: (socket) => {
      const destroySoon = socket.destroySoon.bind(socket);
      // Called by Node behind the last answer of a connection.
      socket.destroySoon = () => {
        if (count < connections && isUnread(socket)) end(socket);
        else destroySoon();
      };
    },
    count: () => count,
  };
}

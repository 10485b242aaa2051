import type { Socket } from 'node:net';
import { Slots } from '../lib/slots.ts';
import type { Exchange } from './exchange.ts';

/** Calls back when nobody waits for the answer of an exchange any more, at most until that is out. */
export type OnGone = (exchange: Exchange, listener: () => void) => void;

/**
 * A caller has gone when its connection is cut, and when it has ended its side: a process that dies does no more. Who only
 * ends its side still gets the answer, if there is one.
 */
export function createOnGone(): OnGone {
  const byConnection = new WeakMap<Socket, Slots<() => void>>();
  // One listener a connection, not a request: they are expensive.
  const listenersOf = (socket: Socket): Slots<() => void> => {
    const known = byConnection.get(socket);
    if (known !== undefined) return known;
    const listeners = new Slots<() => void>();
    byConnection.set(socket, listeners);
    socket.once('end', () => {
      for (const listener of listeners) listener();
    });
    return listeners;
  };
  return (exchange, listener) => {
    const { socket } = exchange.request;
    const listeners = listenersOf(socket);
    const place = listeners.add(listener);
    exchange.onClose(() => {
      listeners.take(place);
      if (!exchange.response.writableFinished) listener();
    });
    if (socket.readableEnded) listener();
  };
}

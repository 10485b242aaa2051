import { connect, createServer, type Server, type Socket } from 'node:net';
import { once } from 'node:events';

import type { Turn } from './conversation.ts';

/** A TCP proxy that keeps what both ends write, by connection, in the order in which it came. */
export interface Recorder extends AsyncDisposable {
  readonly port: number;
  readonly connections: readonly (readonly Turn[])[];
}

/** Where a server of the tests listens. */
export function portOf(server: Server): number {
  const address = server.address();
  if (typeof address !== 'object' || address === null) throw new TypeError('no port');
  return address.port;
}

/** Records what goes to a server on the loopback's `port`. */
export async function startRecorder(port: number): Promise<Recorder> {
  const connections: Turn[][] = [];
  const sockets = new Set<Socket>();
  const server: Server = createServer((client) => {
    const turns: Turn[] = [];
    connections.push(turns);
    const upstream = connect(port, '127.0.0.1');
    for (const [from, source, target] of [
      ['client', client, upstream],
      ['server', upstream, client],
    ] as const) {
      source.on('data', (bytes: Buffer) => {
        turns.push({ from, bytes });
        target.write(bytes);
      });
      source.on('end', () => target.end());
      source.on('error', () => target.destroy());
      sockets.add(source);
      source.on('close', () => sockets.delete(source));
    }
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    port: portOf(server),
    connections,
    async [Symbol.asyncDispose]() {
      server.close();
      for (const socket of sockets) socket.destroy();
      await once(server, 'close');
    },
  };
}

import { once } from 'node:events';
import { createServer, type Socket } from 'node:net';
import { argv } from 'node:process';

import type { Turn } from './conversation.ts';
import { recordedTurns } from './recorded-turns.ts';

/** Says one end's part of a conversation over a real connection: each write waits for all that the other end wrote before it. */
export async function playTurns(
  socket: Socket,
  turns: readonly Turn[],
  mine: Turn['from'],
): Promise<void> {
  let due = 0;
  const heard = { bytes: 0, wake: (): void => undefined };
  socket.setNoDelay(true);
  socket.on('data', (bytes: Buffer) => {
    heard.bytes += bytes.length;
    heard.wake();
  });
  for (const { from, bytes } of turns) {
    if (from === mine) {
      socket.write(bytes);
      continue;
    }
    due += bytes.length;
    while (heard.bytes < due)
      await new Promise<void>((resolve) => {
        heard.wake = resolve;
      });
  }
}

/** Answers the connections of a recording in their order, as a process of its own: `NAME ADDRESS PORT`. */
function main([name, host, port]: readonly string[]): void {
  const waiting = recordedTurns(name ?? '');
  createServer({ allowHalfOpen: true }, (socket) => {
    socket.on('error', () => socket.destroy());
    const ended: Promise<unknown> = once(socket, 'end');
    void playTurns(socket, waiting.shift() ?? [], 'server')
      .then(() => ended)
      .then(() => socket.end());
  }).listen({ host, port: Number(port) }, () => process.stdout.write('ready\n'));
}

if (import.meta.main) main(argv.slice(2));

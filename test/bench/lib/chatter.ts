import { fileURLToPath } from 'node:url';
import { end, run, start } from './command.ts';
import type { Network } from './network.ts';

const program = fileURLToPath(new URL('chatter-process.ts', import.meta.url));

/** Lets the two hosts say `count` small messages to each other that are of no protocol, each answered before the next. */
export async function chatter(
  { client, server }: Network,
  count: number,
  signal: AbortSignal,
): Promise<void> {
  const listener = start(...server.inside([process.execPath, program, 'server']));
  try {
    const command = [process.execPath, program, 'client', server.address, String(count)];
    const said = await run(...client.inside(command), signal);
    if (said !== 'done\n') throw new Error(`the two do not talk: ${said}`);
  } finally {
    await end(listener);
  }
}

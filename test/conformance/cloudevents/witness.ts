import { spawn } from 'node:child_process';
import { createServer } from 'node:http';
import { buffer } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import type { ExecutionContext } from 'ava';
import { z } from 'zod';
import { listenOnLoopback } from '../../functions/host/helpers.ts';

/** What a function got. */
const seen = z.strictObject({ attributes: z.record(z.string(), z.string()), base64: z.string() });

/** What a function got: its event's attributes in their string form, and the bytes of its data. */
export interface Seen {
  readonly attributes: Readonly<Record<string, string>>;
  readonly data: Buffer;
}

/** A function that runs in a process of its own, with a sink behind it. */
export interface Witness {
  readonly port: number;
  /** What the sink got since the last call. */
  readonly takeEmitted: () => readonly Seen[];
}

const program = fileURLToPath(new URL('function-process.ts', import.meta.url));

/** Reads the reply of the function. */
export function seenOf(text: string): Seen {
  const { attributes, base64 } = seen.parse(JSON.parse(text));
  return { attributes, data: Buffer.from(base64, 'base64') };
}

/** Starts the function for the time of the test. */
export async function startWitness(t: ExecutionContext): Promise<Witness> {
  const emitted: Seen[] = [];
  const sink = createServer((request, response) => {
    const take = async (): Promise<void> => {
      emitted.push(seenOf((await buffer(request)).toString()));
      response.writeHead(202).end();
    };
    void take();
  });
  const sinkPort = await listenOnLoopback(sink);
  const child = spawn(process.execPath, [program], {
    env: { ...process.env, PORT: '0', K_SINK: `http://127.0.0.1:${sinkPort}/` },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const ended = new Promise<void>((resolve) => {
    child.once('exit', () => resolve());
  });
  t.teardown(async () => {
    child.kill('SIGKILL');
    await ended;
    sink.close();
    sink.closeAllConnections();
  });
  const url = await new Promise<string>((resolve, reject) => {
    child.stdout.once('data', (data: Buffer) => resolve(data.toString().trim()));
    child.once('exit', () => reject(new Error('the function ended')));
  });
  return { port: Number(new URL(url).port), takeEmitted: () => emitted.splice(0) };
}

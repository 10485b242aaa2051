import { get, type IncomingMessage } from 'node:http';
import { buffer } from 'node:stream/consumers';
import { parentPort, Worker, type MessagePort } from 'node:worker_threads';
import { z } from 'zod';

/** Requests on connections of their own, eight at one time. */
export interface NewConnections extends AsyncDisposable {
  /** Ends them; resolves with how many there were. */
  stop(): Promise<number>;
}

const target = z.object({ host: z.string(), port: z.int(), path: z.string() });
const atOneTime = 8;

/** Starts them in a thread of its own: whoever attaches a capture holds up the thread that he is in. */
export function startNewConnections(to: z.output<typeof target>): NewConnections {
  const worker = new Worker(new URL(import.meta.url), { argv: [JSON.stringify(to)] });
  const ended = new Promise<number>((resolve, reject) => {
    worker.once('message', (asked: unknown) => resolve(z.int().parse(asked)));
    worker.once('error', reject);
  });
  return {
    stop() {
      worker.postMessage('stop', []);
      return ended;
    },
    async [Symbol.asyncDispose]() {
      await worker.terminate();
    },
  };
}

if (parentPort !== null) {
  await askUntilStopped(parentPort, target.parse(JSON.parse(process.argv[2] ?? '')));
}

async function askUntilStopped(port: MessagePort, to: z.output<typeof target>): Promise<void> {
  const stopped = new AbortController();
  port.once('message', () => stopped.abort());
  let asked = 0;
  const client = async (): Promise<void> => {
    while (!stopped.signal.aborted) {
      asked += 1;
      await buffer(await ask(to));
    }
  };
  await Promise.all(Array.from({ length: atOneTime }, client));
  port.postMessage(asked);
}

function ask(to: z.output<typeof target>): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    get({ ...to, agent: false })
      .on('response', resolve)
      .on('error', reject);
  });
}

import { Worker } from 'node:worker_threads';
import { CloverError } from '../../lib/errors.ts';
import type { Call, DeliverMessage, FromWorker, Reply, ToWorker } from './messages.ts';

/** Options of {@link startThread}. */
export interface ThreadOptions {
  readonly onDeliver: (message: DeliverMessage) => void;
  /** The thread died. */
  readonly onFatal: (error: unknown) => void;
}

/** The worker thread that owns the queue, as something to call. */
export interface Thread {
  /** @throws CloverError CLV_INTERNAL when the call failed, or the thread has ended. */
  ask(request: Call): Promise<Reply>;
  /** Whether it has ended; nothing can be asked then. */
  ended(): boolean;
  terminate(): Promise<void>;
}

/** Starts the thread. What one turn of the loop asks crosses to it in one message. */
export function startThread({ onDeliver, onFatal }: ThreadOptions): Thread {
  const worker = new Worker(new URL('worker.ts', import.meta.url));
  const waiting = new Map<number, PromiseWithResolvers<Reply>>();
  let outbox: ToWorker[] = [];
  let calls = 0;
  let cause: Error | undefined;

  const flush = (): void => {
    worker.postMessage(outbox, []);
    outbox = [];
  };
  const end = (error: Error): void => {
    cause ??= error;
    for (const pending of waiting.values()) pending.reject(error);
    waiting.clear();
  };
  worker.on('message', (messages: readonly FromWorker[]) => {
    for (const message of messages) {
      if (message.op === 'deliver') {
        onDeliver(message);
        continue;
      }
      waiting.get(message.call)?.resolve(message);
      waiting.delete(message.call);
    }
  });
  worker.on('error', (error: unknown) => {
    end(error instanceof Error ? error : new Error(String(error)));
    onFatal(error);
  });
  worker.on('exit', () => end(new Error('the broker is closed')));

  return {
    ask: async (request) => {
      if (cause !== undefined) throw new CloverError('CLV_INTERNAL', cause.message);
      const call = (calls += 1);
      const pending = Promise.withResolvers<Reply>();
      waiting.set(call, pending);
      if (outbox.length === 0) setImmediate(flush);
      outbox.push({ call, request });
      const reply = await pending.promise;
      if (reply.error !== undefined)
        throw new CloverError('CLV_INTERNAL', `broker: ${reply.error}`);
      return reply;
    },
    ended: () => cause !== undefined,
    terminate: async () => {
      await worker.terminate();
    },
  };
}

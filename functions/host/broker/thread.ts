import { extname } from 'node:path';
import { Worker } from 'node:worker_threads';
import { CloverError } from '../../lib/errors.ts';
import { Slots } from '../../lib/slots.ts';
import type { Call, DeliverMessage, FromWorker, Reply, ToWorker } from './messages.ts';

/** Options of {@link startThread}. */
export interface ThreadOptions {
  readonly onDeliver: (message: DeliverMessage) => void;
  readonly onWarning: (message: string) => void;
  /** The thread died. */
  readonly onFatal: (error: unknown) => void;
}

/** The worker thread that owns the queue, as something to call. */
export interface Thread {
  /** @throws CloverError CLV_OVERLOADED when the disk is full or fails; CLV_INTERNAL for the rest. */
  ask(request: Call): Promise<Reply>;
  /** Whether it has ended; nothing can be asked then. */
  ended(): boolean;
  terminate(): Promise<void>;
}

/** Somebody has to make room first. */
const diskRetrySeconds = 30;

/** Starts the thread. What one turn of the loop asks crosses to it in one message. */
export function startThread({ onDeliver, onWarning, onFatal }: ThreadOptions): Thread {
  // A bundle has it beside itself, as a bundle.
  const name = `worker${extname(import.meta.filename)}`;
  const worker = new Worker(new URL(name, import.meta.url));
  const waiting = new Slots<PromiseWithResolvers<Reply>>();
  let outbox: ToWorker[] = [];
  let cause: Error | undefined;

  const flush = (): void => {
    worker.postMessage(outbox, []);
    outbox = [];
  };
  const end = (error: Error): void => {
    cause ??= error;
    for (const pending of waiting) pending.reject(error);
  };
  worker.on('message', (messages: readonly FromWorker[]) => {
    for (const message of messages) {
      if (message.op === 'deliver') {
        onDeliver(message);
        continue;
      }
      if (message.op === 'warn') {
        onWarning(message.message);
        continue;
      }
      waiting.take(message.call)?.resolve(message);
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
      const pending = Promise.withResolvers<Reply>();
      const call = waiting.add(pending);
      if (outbox.length === 0) setImmediate(flush);
      outbox.push({ call, request });
      const reply = await pending.promise;
      if (reply.error === undefined) return reply;
      const message = `the broker cannot store: ${reply.error}`;
      if (reply.isPassing === true) {
        throw new CloverError('CLV_OVERLOADED', message, { retryAfter: diskRetrySeconds });
      }
      throw new CloverError('CLV_INTERNAL', message);
    },
    ended: () => cause !== undefined,
    terminate: async () => {
      await worker.terminate();
    },
  };
}

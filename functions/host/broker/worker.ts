import { parentPort } from 'node:worker_threads';
import { createDispatcher, type Dispatcher } from './dispatcher.ts';
import {
  fromWire,
  toWire,
  type Call,
  type FromWorker,
  type Reply,
  type ToWorker,
} from './messages.ts';
import { createQueue, type Queue } from './queue.ts';

if (parentPort === null) throw new Error('this module is the entry of a worker thread');
const port = parentPort;
const retryCommitMs = 1_000;

/** Unix ms that no step of the machine's clock moves: a wait must not become an hour. */
const now = (): number => Math.round(performance.timeOrigin + performance.now());

interface Opened {
  readonly queue: Queue;
  readonly dispatcher: Dispatcher;
}

/** The thread that owns the queue: SQLite's syncs never stop the loop that serves HTTP. */
function start(): void {
  let opened: Opened | undefined;
  let inbox: ToWorker[] = [];
  let scheduled = false;
  let timer: NodeJS.Timeout | undefined;
  const draining: number[] = [];
  const send = (message: FromWorker): void => port.postMessage(message);

  const open = (call: number, request: Extract<Call, { op: 'open' }>): void => {
    const { path, routes, limits } = request.input;
    try {
      const queue = createQueue(path, limits);
      opened = {
        queue,
        dispatcher: createDispatcher({ queue, routes, now, deliver: send }),
      };
      send({ op: 'reply', call });
    } catch (error) {
      send({ op: 'reply', call, error: String(error) });
    }
  };

  /** Applies one turn's messages in one transaction and answers after its commit. */
  const turn = (): void => {
    scheduled = false;
    clearTimeout(timer);
    timer = undefined;
    if (opened === undefined) return;
    const { queue, dispatcher } = opened;
    const batch = inbox;
    inbox = [];
    const replies: Reply[] = [];
    try {
      if (batch.length > 0) {
        queue.transaction(() => {
          for (const message of batch) {
            if (message.op === 'settle') dispatcher.settle(message.delivery, message.outcome);
            else {
              const reply = answer(message.call, message.request, { queue, dispatcher });
              if (reply !== undefined) replies.push(reply);
            }
          }
        });
      }
    } catch (error) {
      failed(batch, error);
      return;
    }
    for (const reply of replies) send(reply);
    for (const message of batch) {
      if (message.op === 'settle') dispatcher.release(message.delivery);
      if (message.op === 'call' && message.request.op === 'drain') draining.push(message.call);
      if (message.op === 'call' && message.request.op === 'close') return close(message.call);
    }
    const wake = dispatcher.pump();
    if (wake !== undefined) timer = setTimeout(turn, Math.min(Math.max(wake - now(), 1), 2 ** 30));
    if (dispatcher.inFlight() === 0) {
      for (const call of draining.splice(0)) send({ op: 'reply', call });
    }
  };

  /** A commit that failed (a full disk): callers hear it; outcomes are kept and tried again. */
  const failed = (batch: readonly ToWorker[], error: unknown): void => {
    for (const message of batch) {
      if (message.op === 'settle') inbox.push(message);
      else send({ op: 'reply', call: message.call, error: String(error) });
    }
    timer = setTimeout(turn, retryCommitMs);
  };

  const close = (call: number): void => {
    opened?.queue.close();
    opened = undefined;
    send({ op: 'reply', call });
    port.close();
  };

  port.on('message', (message: ToWorker) => {
    if (message.op === 'call' && message.request.op === 'open') {
      open(message.call, message.request);
      return;
    }
    inbox.push(message);
    if (!scheduled) setImmediate(turn);
    scheduled = true;
  });
}

/** Carries out a call inside the transaction; undefined for calls that are answered later. */
function answer(call: number, request: Call, { queue, dispatcher }: Opened): Reply | undefined {
  const reply = { op: 'reply', call } as const;
  switch (request.op) {
    case 'publish': {
      const accepted = dispatcher.publish(fromWire(request.event), request.mark);
      return { ...reply, accepted };
    }
    case 'tick': {
      const accepted = dispatcher.tick(request.route, fromWire(request.event), request.mark);
      return { ...reply, accepted };
    }
    case 'mark': {
      const mark = queue.mark(request.key);
      return mark === undefined ? reply : { ...reply, mark };
    }
    case 'setMark':
      queue.setMark(request.mark);
      return reply;
    case 'deadLetters': {
      const deadLetters = queue
        .deadLetters(request.limit)
        .map((letter) => Object.assign({}, letter, { event: toWire(letter.event) }));
      return { ...reply, deadLetters };
    }
    case 'counters':
      return { ...reply, counters: dispatcher.counters() };
    case 'start':
      dispatcher.start();
      return reply;
    case 'drain':
      dispatcher.drain();
      return undefined;
    default:
      return undefined;
  }
}

start();

import { parentPort } from 'node:worker_threads';
import { createDispatcher, type Dispatcher } from './dispatcher.ts';
import type { Call, FromWorker, Reply, ToWorker } from './messages.ts';
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
  const send = (messages: readonly FromWorker[]): void => {
    if (messages.length > 0) port.postMessage(messages);
  };

  const open = (call: number, { input }: Extract<Call, { op: 'open' }>): void => {
    const { path, routes, limits } = input;
    try {
      const queue = createQueue(path, limits);
      opened = { queue, dispatcher: createDispatcher({ queue, routes, now }) };
      send([{ op: 'reply', call }]);
    } catch (error) {
      send([{ op: 'reply', call, error: String(error) }]);
    }
  };

  /**
   * Applies one turn's messages, and takes what may go out now, in one transaction; answers and delivers
   * after its commit.
   */
  const turn = (): void => {
    scheduled = false;
    clearTimeout(timer);
    timer = undefined;
    if (opened === undefined) return;
    const { queue, dispatcher } = opened;
    const batch = inbox;
    inbox = [];
    const replies: Reply[] = [];
    let wake: number | undefined;
    try {
      queue.transaction(() => {
        for (const { call, request } of batch) {
          const reply = answer(call, request, opened);
          if (reply !== undefined) replies.push(reply);
        }
        wake = dispatcher.pump();
      });
    } catch (error) {
      dispatcher.rolledBack();
      failed(batch, error);
      return;
    }
    send([...replies, ...dispatcher.committed()]);
    for (const { call, request } of batch) {
      if (request.op === 'drain') draining.push(call);
      if (request.op === 'close') return close(call);
    }
    if (wake !== undefined) timer = setTimeout(turn, Math.min(Math.max(wake - now(), 1), 2 ** 30));
    if (dispatcher.inFlight() === 0) {
      send(draining.splice(0).map((call) => ({ op: 'reply', call })));
    }
  };

  /** A commit that failed (a full disk): callers hear it; outcomes are kept and tried again. */
  const failed = (batch: readonly ToWorker[], error: unknown): void => {
    inbox.push(...batch.filter(({ request }) => request.op === 'settle'));
    send(
      batch
        .filter(({ request }) => request.op !== 'settle')
        .map(({ call }) => ({ op: 'reply', call, error: String(error) })),
    );
    timer = setTimeout(turn, retryCommitMs);
  };

  const close = (call: number): void => {
    opened?.queue.close();
    opened = undefined;
    send([{ op: 'reply', call }]);
    port.close();
  };

  port.on('message', (messages: readonly ToWorker[]) => {
    for (const message of messages) {
      if (message.request.op === 'open') open(message.call, message.request);
      else inbox.push(message);
    }
    if (!scheduled && inbox.length > 0) {
      setImmediate(turn);
      scheduled = true;
    }
  });
}

/** Carries out a call inside the transaction; undefined for calls that are answered later. */
function answer(call: number, request: Call, opened: Opened | undefined): Reply | undefined {
  if (opened === undefined) return { op: 'reply', call, error: 'the queue is not open' };
  const { queue, dispatcher } = opened;
  const reply = { op: 'reply', call } as const;
  switch (request.op) {
    case 'publish':
      return { ...reply, accepted: dispatcher.publish(request.posted, request.mark) };
    case 'tick':
      return { ...reply, accepted: dispatcher.tick(request.posted, request.mark) };
    case 'settle':
      return { ...reply, accepted: dispatcher.settle(request) };
    case 'mark': {
      const mark = queue.mark(request.key);
      return mark === undefined ? reply : { ...reply, mark };
    }
    case 'setMark':
      queue.setMark(request.mark);
      return reply;
    case 'deadLetters':
      return { ...reply, deadLetters: queue.dead.list(request.query) };
    case 'deadLetter': {
      const letter = queue.dead.get(request.id);
      return { ...reply, deadLetters: letter === undefined ? [] : [letter] };
    }
    case 'replayDeadLetter':
      return { ...reply, replayed: dispatcher.replay(request.id) };
    case 'dropDeadLetter':
      return { ...reply, accepted: queue.dead.remove(request.id) };
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

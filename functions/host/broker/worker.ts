import { parentPort } from 'node:worker_threads';
import { createDispatcher, type Dispatcher } from './dispatcher.ts';
import type { Call, FromWorker, Reply, ToWorker } from './messages.ts';
import { createQueue, type Queue } from './queue.ts';

if (parentPort === null) throw new Error('this module is the entry of a worker thread');
const port = parentPort;
const retryCommitMs = 1_000;
const warnEveryMs = 10_000;

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
  let nextWarning = 0;
  const draining: number[] = [];
  const send = (messages: readonly FromWorker[]): void => {
    if (messages.length > 0) port.postMessage(messages);
  };

  const open = (call: number, { input }: Extract<Call, { op: 'open' }>): void => {
    const { path, routes, limits } = input;
    let queue: Queue | undefined;
    try {
      queue = createQueue(path, limits);
      opened = { queue, dispatcher: createDispatcher({ queue, routes, now }) };
      send([{ op: 'reply', call }]);
    } catch (error) {
      // What SQLite says is of the file; any other error after its opening is not, and nobody should move it away.
      const isOfFile = queue === undefined || errcodeOf(error) !== undefined;
      const why = error instanceof Error ? error.message : String(error);
      send([{ op: 'reply', call, ...(isOfFile ? { unopened: why } : { error: String(error) }) }]);
    }
  };

  /** Applies calls in one transaction, and answers and delivers after its commit. */
  const commit = ({ queue, dispatcher }: Opened, work: () => readonly Reply[]): void => {
    let replies: readonly Reply[] = [];
    try {
      queue.transaction(() => {
        replies = work();
      });
    } catch (error) {
      dispatcher.rolledBack();
      throw error;
    }
    send([...replies, ...dispatcher.committed()]);
  };

  /** One turn's messages, and what may go out now, share a commit. */
  const turn = (): void => {
    scheduled = false;
    clearTimeout(timer);
    timer = undefined;
    if (opened === undefined) return;
    const { dispatcher } = opened;
    const batch = inbox;
    inbox = [];
    let wake: number | undefined;
    try {
      commit(opened, () => {
        const replies = batch.flatMap((message) => answer(message, opened));
        wake = dispatcher.pump();
        return replies;
      });
    } catch (error) {
      wake = oneByOne(batch, opened, error);
    }
    for (const { call, request } of batch) {
      if (request.op === 'drain') draining.push(call);
      if (request.op === 'close') return close(call);
    }
    if (wake !== undefined) timer = setTimeout(turn, Math.min(Math.max(wake - now(), 1), 2 ** 30));
    if (dispatcher.inFlight() === 0) {
      send(draining.splice(0).map((call) => ({ op: 'reply', call })));
    }
  };

  /**
   * After a commit that failed (a full disk): what one call wanted may have spoilt it for all. On a full disk it is the
   * outcomes that make room, so each call has a commit of its own. Callers hear what failed; outcomes are kept and
   * tried again.
   */
  const oneByOne = (batch: readonly ToWorker[], of: Opened, cause: unknown): number | undefined => {
    let problem = String(cause);
    let isStuck = false;
    for (const message of batch) {
      try {
        commit(of, () => answer(message, of));
      } catch (error) {
        problem = String(error);
        const { op } = message.request;
        if (op === 'publish' || op === 'tick' || op === 'replayDeadLetter')
          of.queue.refusedByDisk();
        if (op === 'settle') inbox.push(message);
        else send([{ op: 'reply', call: message.call, ...failure(error) }]);
      }
    }
    let wake: number | undefined;
    try {
      commit(of, () => {
        wake = of.dispatcher.pump();
        return [];
      });
    } catch (error) {
      problem = String(error);
      isStuck = true;
    }
    if (now() >= nextWarning) {
      send([{ op: 'warn', message: `the queue cannot be written: ${problem}` }]);
      nextWarning = now() + warnEveryMs;
    }
    return isStuck || inbox.length > 0 ? now() + retryCommitMs : wake;
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

/** SQLITE_FULL and every SQLITE_IOERR: of the disk, and so not for good. */
const passingErrors = new Set([13, 10]);

function failure(error: unknown): Pick<Reply, 'error' | 'isPassing'> {
  return { error: String(error), isPassing: passingErrors.has((errcodeOf(error) ?? 0) & 0xff) };
}

/** SQLite's extended code of an error; undefined for an error that is not SQLite's. */
function errcodeOf(error: unknown): number | undefined {
  return error instanceof Error && 'errcode' in error ? Number(error.errcode) : undefined;
}

/** Carries out a call inside the transaction; no reply for calls that are answered later. */
function answer(message: ToWorker, opened: Opened | undefined): readonly Reply[] {
  const reply = carryOut(message, opened);
  return reply === undefined ? [] : [reply];
}

function carryOut({ call, request }: ToWorker, opened: Opened | undefined): Reply | undefined {
  if (opened === undefined) return { op: 'reply', call, error: 'the queue is not open' };
  const { queue, dispatcher } = opened;
  const reply = { op: 'reply', call } as const;
  switch (request.op) {
    case 'publish':
      return { ...reply, accepted: dispatcher.publish(request.posted, request.marks) };
    case 'tick':
      return { ...reply, accepted: dispatcher.tick(request.posted, request.mark) };
    case 'settle':
      return { ...reply, accepted: dispatcher.settle(request) };
    case 'mark': {
      const mark = queue.mark(request.key);
      return mark === undefined ? reply : { ...reply, mark };
    }
    case 'marks':
      return { ...reply, marks: queue.marks(request.prefix) };
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

import { randomInt } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { DatabaseSync } from 'node:sqlite';
import { join } from 'node:path';
import { z } from 'zod';
import { eventOf } from '../functions/host/helpers.ts';
import {
  isReady,
  newConnections,
  oneConnection,
  postBatch,
  postEvent,
  startServed,
} from './served.ts';

/** What all rounds together came to. */
export interface RoundFigures {
  readonly rounds: number;
  /** Events with an answer of 2xx, of their own or of their request. */
  readonly accepted: number;
  /** Events that were answered with anything else, and requests that were cut; with SIGKILL cuts are no failure. */
  readonly failed: number;
  /** What the first ones of these were. */
  readonly failures: readonly string[];
  /** Events that came when the host had closed the connection, or listened no more: a caller sends them again. */
  readonly unaccepted: number;
  /** Accepted events without an effect at the end. */
  readonly lost: number;
  /** Events whose effect came about more than once. */
  readonly twice: number;
  /** Events that were not accepted but had an effect all the same. */
  readonly handledUnaccepted: number;
  /** Processes that did not end as they should: with 0 after SIGTERM. */
  readonly badEnds: number;
  /** Times that the handler ran; more than once per event is allowed. */
  readonly invocations: number;
}

/** How rounds are run. */
export interface RoundOptions {
  readonly rounds: number;
  readonly signal: 'SIGTERM' | 'SIGKILL';
  /** For the data of the host. */
  readonly folder: string;
  readonly progress?: (round: number) => void;
}

/** Who calls: every combination of what is called, by which connections, with which content mode. */
interface Caller {
  readonly path: '/functions/f' | '/broker';
  readonly isFresh: boolean;
  readonly isBatch: boolean;
}
const callers: readonly Caller[] = (['/functions/f', '/broker'] as const).flatMap((path) =>
  [false, true].flatMap((isFresh) => [false, true].map((isBatch) => ({ path, isFresh, isBatch }))),
);
const batchSize = 4;
/** Milliseconds under load before the signal. */
const loadMs = [20, 200] as const;
/** Milliseconds between a load balancer's questions; the host listens for 250 after it is ready no more. */
const probeMs = 20;

/** What came of the events that were sent. */
interface Sent {
  readonly accepted: Set<string>;
  readonly unaccepted: Set<string>;
  readonly failures: string[];
}

/**
 * A host that is ended by a signal under load, and started again on the same data, again and again. Half of its callers
 * wait for a slow function, half for the broker's commit; half keep a connection as long as the host does, half make a new
 * one for every request while the host is ready; half send batches.
 */
export async function runRounds(options: RoundOptions): Promise<RoundFigures> {
  const { rounds, signal, folder, progress } = options;
  const sent: Sent = { accepted: new Set(), unaccepted: new Set(), failures: [] };
  let badEnds = 0;
  for (let round = 0; round < rounds; round += 1) {
    const served = await startServed(folder);
    const over = new AbortController();
    const unready = whenUnready(served.url);
    let signalled = Infinity;
    const calling = callers.map((caller, index) =>
      call(served.url, caller, `${round}-${index}`, {
        sent,
        signal,
        moment: () => Math.round(performance.now() - signalled),
        isOver: () => over.signal.aborted || (caller.isFresh && unready.aborted),
      }),
    );
    await delay(randomInt(...loadMs));
    signalled = performance.now();
    served.child.kill(signal);
    const ended = await served.ended;
    over.abort();
    await Promise.all(calling);
    if (ended !== (signal === 'SIGTERM' ? 0 : 'SIGKILL')) badEnds += 1;
    progress?.(round + 1);
  }
  const last = await startServed(folder);
  await settled(folder, sent.accepted);
  last.child.kill('SIGTERM');
  if ((await last.ended) !== 0) badEnds += 1;
  const effects = timesIn(folder, 'ledger');
  const runs = timesIn(folder, 'runs');
  return {
    rounds,
    accepted: sent.accepted.size,
    unaccepted: sent.unaccepted.size,
    failed: sent.failures.length,
    failures: sent.failures.slice(0, 10),
    badEnds,
    lost: [...sent.accepted].filter((id) => !effects.has(id)).length,
    twice: [...effects.values()].filter((times) => times > 1).length,
    handledUnaccepted: [...sent.unaccepted].filter((id) => effects.has(id)).length,
    invocations: [...runs.values()].reduce((sum, times) => sum + times, 0),
  };
}

/** Aborts once the host is ready no more. */
function whenUnready(url: string): AbortSignal {
  const unready = new AbortController();
  const probe = async (): Promise<void> => {
    const agent = oneConnection();
    while (await isReady(url, agent)) await delay(probeMs);
    agent.destroy();
    unready.abort();
  };
  void probe();
  return unready.signal;
}

/** Calls, one request after the other, until there is no use any more. */
async function call(
  url: string,
  { path, isFresh, isBatch }: Caller,
  prefix: string,
  { sent, signal, moment, isOver }: Calling,
): Promise<void> {
  const agent = isFresh ? newConnections() : oneConnection();
  for (let count = 0; !isOver(); count += 1) {
    const type = path === '/broker' ? 'test.event' : 'slow';
    const events = Array.from({ length: isBatch ? batchSize : 1 }, (_, item) =>
      eventOf({ id: `${prefix}-${count}-${item}`, type }),
    );
    const [first] = events;
    const asked = moment();
    const posting =
      isBatch || first === undefined
        ? postBatch(url + path, events, agent)
        : postEvent(url + path, first, agent);
    const answer = await posting.catch((error: unknown) => String(error));
    // What SIGKILL cuts may have been taken: only a host that ends in order has to know.
    if (signal === 'SIGKILL' && (typeof answer === 'string' || answer.status === 0)) break;
    const who = `${path} ${isFresh ? 'fresh' : 'kept'} ${isBatch ? 'batch' : 'binary'}`;
    const what = `${who}, asked ${asked} ms after the signal, over after ${moment()} ms`;
    if (typeof answer === 'string') {
      sent.failures.push(`${what}: ${answer}`);
      break;
    }
    const { status, last, body } = answer;
    const statuses = isBatch && status > 0 ? resultsOf(body) : [status];
    events.forEach(({ id }, item) => {
      const own = statuses[item] ?? status;
      if (own === 0) sent.unaccepted.add(id);
      else if (own < 300) sent.accepted.add(id);
      else sent.failures.push(`${what}: ${own} ${body}`);
    });
    if (status === 0 || (last && !isFresh)) break;
  }
  agent.destroy();
}

interface Calling {
  readonly sent: Sent;
  readonly signal: RoundOptions['signal'];
  /** Milliseconds since the signal; -Infinity before it. */
  readonly moment: () => number;
  readonly isOver: () => boolean;
}

const batchResults = z.object({ results: z.array(z.object({ status: z.int() })) });

function resultsOf(body: string): readonly number[] {
  return batchResults.parse(JSON.parse(body)).results.map(({ status }) => status);
}

const settleMs = 60_000;

/** Waits until everything accepted has had its effect, for a minute at most: what has not then is lost. */
async function settled(folder: string, accepted: ReadonlySet<string>): Promise<void> {
  for (const end = Date.now() + settleMs; Date.now() < end;) {
    const effects = timesIn(folder, 'ledger');
    if ([...accepted].every((id) => effects.has(id))) return;
    await delay(100);
  }
}

/** How often each event is in a table of the handler's. */
function timesIn(folder: string, table: 'ledger' | 'runs'): ReadonlyMap<string, number> {
  const db = new DatabaseSync(join(folder, 'effects.db'), { timeout: 5_000 });
  try {
    const rows = db.prepare(`SELECT id, count(*) AS n FROM ${table} GROUP BY source, id`).all();
    return new Map(rows.map((row) => [String(row['id']), Number(row['n'])]));
  } finally {
    db.close();
  }
}

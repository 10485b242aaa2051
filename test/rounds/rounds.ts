import { randomInt } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { DatabaseSync } from 'node:sqlite';
import { join } from 'node:path';
import { eventOf } from '../functions/host/helpers.ts';
import { oneConnection, postEvent, startServed } from './served.ts';

/** What all rounds together came to. */
export interface RoundFigures {
  readonly rounds: number;
  /** Requests with an answer of 2xx. */
  readonly accepted: number;
  /** Requests that were answered with anything else, or cut; with SIGKILL cuts are no failure. */
  readonly failed: number;
  /** Requests that came on a connection which had been closed before: a caller sends them again. */
  readonly unaccepted: number;
  /** Accepted events without an effect at the end. */
  readonly lost: number;
  /** Events whose effect came about more than once. */
  readonly twice: number;
  /** Requests that were not accepted but had an effect all the same. */
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

const clients = 8;
/** Milliseconds under load before the signal. */
const loadMs = [20, 200] as const;

/**
 * A host that is ended by a signal under load, and started again on the same data, again and again. Half of its callers
 * wait for a slow function, half for the broker's commit.
 */
export async function runRounds(options: RoundOptions): Promise<RoundFigures> {
  const { rounds, signal, folder, progress } = options;
  const accepted = new Set<string>();
  const unaccepted = new Set<string>();
  const figures = { failed: 0, badEnds: 0 };
  for (let round = 0; round < rounds; round += 1) {
    const served = await startServed(folder);
    const over = new AbortController();
    const callers = Array.from({ length: clients }, async (_, index) => {
      const agent = oneConnection();
      for (let count = 0, last = false; !last && !over.signal.aborted; count += 1) {
        const id = `${round}-${index}-${count}`;
        const direct = index % 2 === 0;
        const url = `${served.url}${direct ? '/functions/f' : '/broker'}`;
        const event = eventOf({ id, type: direct ? 'slow' : 'test.event' });
        const answer = await postEvent(url, event, agent).catch(() => undefined);
        if (answer === undefined) {
          if (signal === 'SIGTERM') figures.failed += 1;
          break;
        }
        // What SIGKILL cuts may have been taken: only a host that ends in order has to know.
        if (answer.status === 0 && signal === 'SIGKILL') break;
        if (answer.status === 0) unaccepted.add(id);
        else if (answer.status < 300) accepted.add(id);
        else figures.failed += 1;
        ({ last } = answer);
      }
      agent.destroy();
    });
    await delay(randomInt(...loadMs));
    served.child.kill(signal);
    const ended = await served.ended;
    over.abort();
    await Promise.all(callers);
    if (ended !== (signal === 'SIGTERM' ? 0 : 'SIGKILL')) figures.badEnds += 1;
    progress?.(round + 1);
  }
  const last = await startServed(folder);
  await settled(folder, accepted);
  last.child.kill('SIGTERM');
  if ((await last.ended) !== 0) figures.badEnds += 1;
  const effects = readEffects(folder);
  return {
    rounds,
    accepted: accepted.size,
    unaccepted: unaccepted.size,
    ...figures,
    lost: [...accepted].filter((id) => !effects.has(id)).length,
    twice: [...effects.values()].filter(({ effects: times }) => times > 1).length,
    handledUnaccepted: [...unaccepted].filter((id) => effects.has(id)).length,
    invocations: [...effects.values()].reduce((sum, { invocations }) => sum + invocations, 0),
  };
}

const settleMs = 60_000;

/** Waits until everything accepted has had its effect, for a minute at most: what has not then is lost. */
async function settled(folder: string, accepted: ReadonlySet<string>): Promise<void> {
  for (const end = Date.now() + settleMs; Date.now() < end;) {
    const effects = readEffects(folder);
    if ([...accepted].every((id) => effects.has(id))) return;
    await delay(100);
  }
}

interface Effect {
  readonly effects: number;
  readonly invocations: number;
}

/** The effects of the handler, by event. */
function readEffects(folder: string): ReadonlyMap<string, Effect> {
  const db = new DatabaseSync(join(folder, 'effects.db'), { timeout: 5_000 });
  try {
    return new Map(
      db
        .prepare('SELECT id, effects, invocations FROM effects')
        .all()
        .map((row) => [
          String(row['id']),
          { effects: Number(row['effects']), invocations: Number(row['invocations']) },
        ]),
    );
  } finally {
    db.close();
  }
}

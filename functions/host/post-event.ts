import type { Clock } from '../lib/clock.ts';
import type { CloudEvent } from '../lib/cloud-event.ts';
import { eventHeaders } from '../lib/event-headers.ts';
import { excerpt } from '../lib/excerpt.ts';
import { isRecord } from '../lib/plain-value.ts';
import { decide, type Decision } from './broker/back-off.ts';

/** Options of {@link postEvent}. */
export interface PostOptions {
  readonly url: string;
  /** Headers besides those of the event. */
  readonly headers?: Readonly<Record<string, string>>;
  readonly signal: AbortSignal;
  readonly clock: Pick<Clock, 'now'>;
}

/** What a receiver answered. */
export interface Receipt {
  readonly status: number;
  /** What the status means for the event, by the broker's own table. */
  readonly decision: Decision;
  /** Seconds that its Retry-After asks for. */
  readonly retryAfter?: number;
  /** Why it took nothing: code and detail of its problem (RFC 9457), where it answered with one. */
  readonly problem?: string;
}

/** A longer one is not read; ours name at most 32 details. */
const mostProblemBytes = 64 * 1024;

/**
 * Sends an event to another server, in binary mode. A redirect is an answer that took nothing: to follow it may make a GET
 * without the event of it.
 * @throws what `fetch` throws when there is no answer, and the reason of the signal.
 */
export async function postEvent(event: CloudEvent, options: PostOptions): Promise<Receipt> {
  const { url, headers, signal, clock } = options;
  const response = await fetch(url, {
    method: 'POST',
    headers: { ...eventHeaders(event), ...headers },
    body: new Uint8Array(event.data),
    redirect: 'manual',
    signal,
  });
  const problem = await problemIn(response);
  const { status } = response;
  const retryAfter = secondsOf(response.headers.get('retry-after'), clock.now());
  return {
    status,
    decision: decide(status),
    ...(retryAfter === undefined ? {} : { retryAfter }),
    ...(problem === undefined ? {} : { problem }),
  };
}

/** What an answer says of a problem; all else of it is not read. */
async function problemIn(response: Response): Promise<string | undefined> {
  const { headers } = response;
  const isProblem = headers.get('content-type')?.startsWith('application/problem+json') === true;
  // What comes in chunks may have no end.
  const length = headers.get('content-length');
  if (!isProblem || length === null || Number(length) > mostProblemBytes) {
    await response.body?.cancel();
    return undefined;
  }
  const problem: unknown = await response.json().catch(() => undefined);
  if (!isRecord(problem)) return undefined;
  const said = [problem['code'], problem['detail']].filter((text) => typeof text === 'string');
  return said.length === 0 ? undefined : said.map(excerpt).join(': ');
}

/** Seconds that a Retry-After asks for: a number, or a date. */
function secondsOf(header: string | null, now: number): number | undefined {
  if (header === null) return undefined;
  if (/^\d{1,9}$/.test(header)) return Number(header);
  const at = Date.parse(header);
  return Number.isNaN(at) ? undefined : Math.max(0, Math.ceil((at - now) / 1_000));
}

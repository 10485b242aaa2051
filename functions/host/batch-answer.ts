import { CloverError, type ErrorCode } from '../lib/errors.ts';
import { decide } from './broker/back-off.ts';
import { problemHeaders, problemOf } from './problem.ts';

/** What became of one event of a batch. */
export interface BatchResult {
  /** Place in the batch, from 0. */
  readonly index: number;
  /** Id of the event; absent where it could not be read. */
  readonly id?: string;
  /** The status that the event alone would have got. */
  readonly status: number;
  readonly code?: ErrorCode;
  readonly detail?: string;
  /** Seconds after which it may be sent again. */
  readonly retryAfter?: number;
}

/** An HTTP answer. */
export interface BatchAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/** A batch has up to 10 000 events: what is said of each is short. */
const mostDetails = 8;

/** The result of an event that was refused, or failed, with its first 8 details; then it says how many more there are. */
export function failedResult(
  index: number,
  id: string | undefined,
  { status, code, message, details, retryAfter }: CloverError,
): BatchResult {
  const told = details.slice(0, mostDetails);
  const more = details.length - told.length;
  const fields = told.map((detail) => `${detail.field}: ${detail.message}`);
  const detail = [message, ...fields, ...(more > 0 ? [`(${more} more)`] : [])].join('; ');
  return {
    index,
    ...(id === undefined ? {} : { id }),
    status,
    code,
    detail,
    ...(retryAfter === undefined ? {} : { retryAfter }),
  };
}

/**
 * The answer to a batch. It is 2xx only if every event is done. Else its status is for senders that read nothing more: 503
 * if an event may do better next time (all are sent again, and those that are done already change nothing), 400 if none
 * will. Either has a result per event.
 */
export function batchAnswer(results: readonly BatchResult[]): BatchAnswer {
  const failed = results.filter(({ status }) => status >= 300);
  if (failed.length === 0) {
    const headers = { 'content-type': 'application/json' };
    return { status: 200, headers, body: JSON.stringify({ results }) };
  }
  const passing = failed.filter(({ status }) => decide(status) === 'retry');
  const message = `${failed.length} of ${results.length} events were not taken`;
  const error =
    passing.length === 0
      ? new CloverError('CLV_EVENT_INVALID', message)
      : new CloverError('CLV_OVERLOADED', message, {
          // The longest wish: before that at least one of them would fail again.
          retryAfter: Math.max(1, ...passing.map(({ retryAfter = 1 }) => retryAfter)),
        });
  return {
    status: error.status,
    headers: problemHeaders(error),
    body: JSON.stringify({ ...problemOf(error), results }),
  };
}

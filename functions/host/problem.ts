import { STATUS_CODES, type ServerResponse } from 'node:http';
import { CloverError, type ErrorCode, type ErrorDetail } from '../lib/errors.ts';
import { excerpt } from '../lib/excerpt.ts';
import { sendWhole } from './send-whole.ts';

/** An RFC 9457 problem: the type says no more than the status, `code` says the rest. */
export interface Problem {
  readonly type: 'about:blank';
  readonly title: string;
  readonly status: number;
  readonly detail: string;
  readonly code: ErrorCode;
  readonly details: readonly ErrorDetail[];
}

const retryAfterSeconds = 1;
/** Details that one answer names, as of an event that is none. */
const mostDetails = 32;

/** The error that the edge answers with; what nobody meant to show stays inside, whatever status it has. */
export function asCloverError(error: unknown): CloverError {
  if (isClover(error)) return error;
  return new CloverError('CLV_INTERNAL', 'something failed inside; the log has the cause', {
    cause: error,
  });
}

/** False of a proxy that does not let itself be looked at. */
function isClover(error: unknown): error is CloverError {
  try {
    return error instanceof CloverError;
  } catch {
    return false;
  }
}

/**
 * Whether the log must have the reason: of what nobody foresaw, and of what a function, or what stands behind it, did wrong. Who
 * gets the answer can do nothing about either.
 */
export function isForLog({ status }: CloverError): boolean {
  return status === 500 || status === 502;
}

/**
 * Answers with what was thrown, and notes the reason if the log must have it. What a handler throws may throw in turn when it
 * is looked at: then that is the answer.
 */
export function tellError<T>(
  error: unknown,
  note: (reason: unknown) => void,
  answer: (known: CloverError) => T,
): T {
  try {
    const known = asCloverError(error);
    if (isForLog(known)) note(error);
    return answer(known);
  } catch {
    const reason = new CloverError('CLV_INTERNAL', 'what was thrown cannot be looked at');
    note(reason);
    return answer(reason);
  }
}

/** The error as a problem, with its first 32 details; then it says how many more there are. */
export function problemOf({ status, code, message, details }: CloverError): Problem {
  const title = STATUS_CODES[status] ?? 'Error';
  const told = details.slice(0, mostDetails);
  const more = details.length - told.length;
  const detail = more > 0 ? `${message} (${more} more)` : message;
  return { type: 'about:blank', title, status, detail, code, details: told };
}

/** Headers that go with the problem. */
export function problemHeaders(error: CloverError): Readonly<Record<string, string>> {
  const { status } = error;
  const isBusy = status === 429 || status === 503;
  const { retryAfter = isBusy ? retryAfterSeconds : undefined } = error;
  return {
    'content-type': 'application/problem+json',
    ...(retryAfter === undefined ? {} : { 'retry-after': String(retryAfter) }),
    ...(status === 401 ? { 'www-authenticate': 'Bearer realm="clover"' } : {}),
  };
}

/**
 * What to say of a path with a percent-encoding that is none.
 * @returns CLV_ARGUMENT_INVALID.
 */
export function badPath(path: string, cause: unknown): CloverError {
  const found = excerpt(path);
  const message = `found ${JSON.stringify(found)}; after a % come two hexadecimal digits, and what they stand for is UTF-8`;
  const text = `${found} has a percent-encoding that is not UTF-8`;
  return new CloverError('CLV_ARGUMENT_INVALID', text, {
    cause,
    details: [{ field: 'path', message }],
  });
}

/** Answers with the problem, or cuts a response that has begun. */
export function sendProblem(response: ServerResponse, error: CloverError): void {
  if (response.headersSent) {
    response.destroy();
    return;
  }
  // A body that nobody read would have to be read away before the next request.
  if (!response.req.complete) response.setHeader('connection', 'close');
  sendWhole(response, error.status, problemHeaders(error), JSON.stringify(problemOf(error)));
}

/** What to say of a database that cannot be opened: damaged, of another process, or without rights. */
export function cannotOpen(path: string, cause: unknown): CloverError {
  const why = cause instanceof Error ? cause.message : String(cause);
  return new CloverError(
    'CLV_CONFIG_INVALID',
    `cannot open ${path}: ${why}; restore it, or move it away to start without what it holds`,
    { cause },
  );
}

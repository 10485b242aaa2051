import { errorCatalogue } from './error-catalogue.ts';

/** What a caller may fix: where the problem is, what was found, what is allowed. */
export interface ErrorDetail {
  /** Path of the field as `kubectl` writes it: `spec.rules[0].split[1].weight`. */
  readonly field: string;
  readonly message: string;
}

/** Options of a {@link CloverError}. */
export interface CloverErrorOptions {
  readonly cause?: unknown;
  readonly details?: readonly ErrorDetail[];
  /** Seconds after which a retry makes sense; goes out as `Retry-After`, whole and within 0 and 86 400. */
  readonly retryAfter?: number;
}

/** A day: nobody should be sent away for longer. */
const longestRetrySeconds = 86_400;

/**
 * The one error of Clover: thrown once, mapped at the edge.
 *
 * Codes are stable; `error-catalogue.ts` and `docs/errors.md` list them.
 */
export class CloverError extends Error {
  override readonly name = 'CloverError';
  readonly code: ErrorCode;
  readonly details: readonly ErrorDetail[];
  readonly retryAfter: number | undefined;

  constructor(code: ErrorCode, message: string, options: CloverErrorOptions = {}) {
    super(message, { cause: options.cause });
    this.code = code;
    this.details = options.details ?? [];
    this.retryAfter = wholeSeconds(options.retryAfter);
  }

  /** HTTP status of this error's code. */
  get status(): number {
    return errorCatalogue[this.code].status;
  }
}

/** What RFC 9110 §10.2.3 allows of whatever a handler computed. */
function wholeSeconds(seconds: number | undefined): number | undefined {
  if (seconds === undefined || Number.isNaN(seconds)) return undefined;
  return Math.ceil(Math.min(Math.max(seconds, 0), longestRetrySeconds));
}

/** A stable error code. */
export type ErrorCode = keyof typeof errorCatalogue;

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
  /** Seconds after which a retry makes sense; goes out as `Retry-After`. */
  readonly retryAfter?: number;
}

/**
 * The one error of Clover: thrown once, mapped at the edge.
 *
 * Codes are stable and listed in `docs/errors.md`.
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
    this.retryAfter = options.retryAfter;
  }

  /** HTTP status of this error's code. */
  get status(): number {
    return errorStatus[this.code];
  }
}

/**
 * Every code with its HTTP status. For events the status decides the retry as Knative does:
 * 400 and 422 go to the dead letters at once, 429 and 5xx are tried again.
 */
export const errorStatus = {
  CLV_ANALYTICS_UNAVAILABLE: 503,
  CLV_ARGUMENT_INVALID: 400,
  CLV_BODY_TOO_LARGE: 413,
  CLV_CAPTURE_UNAVAILABLE: 503,
  CLV_CONFIG_INVALID: 500,
  CLV_CONFLICT: 409,
  CLV_CONTROL_PLANE_UNREACHABLE: 503,
  CLV_DEADLINE_EXCEEDED: 504,
  CLV_EVENT_INVALID: 400,
  CLV_FILTER_INVALID: 400,
  CLV_GATEWAY_REJECTED: 502,
  CLV_GATEWAY_UNAVAILABLE: 503,
  CLV_HEADERS_TOO_LARGE: 431,
  CLV_INTERNAL: 500,
  CLV_METHOD_NOT_ALLOWED: 405,
  CLV_NOT_ACCEPTABLE: 406,
  CLV_NOT_FOUND: 404,
  CLV_OVERLOADED: 503,
  CLV_PRECONDITION_FAILED: 412,
  CLV_REQUEST_TIMEOUT: 408,
  CLV_RESOURCE_GONE: 410,
  CLV_RESOURCE_INVALID: 422,
  CLV_TELEMETRY_MALFORMED: 400,
  CLV_UNAUTHORIZED: 401,
  CLV_UNSUPPORTED_MEDIA_TYPE: 415,
  CLV_URL_TOO_LONG: 414,
} as const;

/** A stable error code. */
export type ErrorCode = keyof typeof errorStatus;

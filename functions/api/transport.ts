import { CloverError } from '../lib/errors.ts';
import { receivedProblem } from './schemas/problem.ts';

/** Sends requests to one control plane. */
export interface Transport {
  /**
   * @throws CloverError the server's own, or CLV_CONTROL_PLANE_UNREACHABLE when none answers.
   */
  send(path: string, options?: TransportOptions): Promise<Response>;
}

/** Options of one request. */
export interface TransportOptions {
  readonly method?: 'DELETE' | 'GET' | 'POST' | 'PUT';
  /** Sent as JSON. */
  readonly body?: unknown;
  /** Sent as they are, in place of a body; a header says what they are. */
  readonly bytes?: Uint8Array<ArrayBuffer> | undefined;
  /** Beside or in place of the usual ones; names in lower case. */
  readonly headers?: Readonly<Record<string, string>>;
  readonly signal?: AbortSignal | undefined;
}

/** Where requests go, and when they end. */
export interface TransportTarget {
  readonly url: string;
  /** Bearer token of the control plane. */
  readonly token: string;
  /** Ends every request. */
  readonly signal?: AbortSignal | undefined;
}

/** Sends requests by fetch. */
export function createTransport({ url, token, signal: always }: TransportTarget): Transport {
  return {
    async send(path, { method = 'GET', body, bytes, headers, signal } = {}) {
      const signals = [signal, always].filter((one) => one !== undefined);
      const request: RequestInit = {
        method,
        headers: {
          accept: 'application/json',
          ...(token === '' ? {} : { authorization: `Bearer ${token}` }),
          ...(body === undefined ? {} : { 'content-type': 'application/json' }),
          ...headers,
        },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
        ...(bytes === undefined ? {} : { body: bytes }),
        ...(signals.length === 0 ? {} : { signal: AbortSignal.any(signals) }),
      };
      const response = await attempt(new URL(path, url), request);
      if (!response.ok) throw await refusal(response);
      return response;
    },
  };
}

/** What a failed connection is called. */
export function unreachable(url: URL | string, cause: unknown): CloverError {
  const reason =
    cause instanceof Error ? (cause.cause instanceof Error ? cause.cause : cause).message : '';
  return new CloverError(
    'CLV_CONTROL_PLANE_UNREACHABLE',
    `no control plane answers at ${new URL(url).origin}${reason === '' ? '' : ` (${reason})`}; start one with "cloverctl up", or name another with --server`,
    { cause },
  );
}

async function attempt(url: URL, request: RequestInit): Promise<Response> {
  try {
    return await fetch(url, request);
  } catch (error) {
    request.signal?.throwIfAborted();
    throw unreachable(url, error);
  }
}

async function refusal(response: Response): Promise<CloverError> {
  const text = await response.text().catch(() => '');
  const parsed = receivedProblem.safeParse(parse(text));
  if (!parsed.success) {
    const message = `the server answered ${response.status} ${response.statusText} without a reason`;
    return new CloverError(response.status === 404 ? 'CLV_NOT_FOUND' : 'CLV_INTERNAL', message);
  }
  const { code, detail, title, details } = parsed.data;
  const wait = Number(response.headers.get('retry-after'));
  return new CloverError(code, detail ?? title ?? code, {
    details,
    ...(wait > 0 ? { retryAfter: wait } : {}),
  });
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

import { CloverError } from '../lib/errors.ts';
import { receivedProblem } from './schemas/problem.ts';
import { checkedToken } from './token.ts';
import { notClover, unreachable } from './unreachable.ts';

/** Sends requests to one control plane. */
export interface Transport {
  /**
   * A whole answer.
   * @throws CloverError the server's own, or CLV_CONTROL_PLANE_UNREACHABLE when no control plane answers, or not in time.
   */
  send(path: string, options?: TransportOptions): Promise<Answer>;
  /**
   * An answer that goes on, of the type that is asked for; it may last for ever.
   * @throws CloverError as `send` does.
   */
  open(path: string, options?: TransportOptions): Promise<Response>;
}

/** A whole answer of the server. */
export interface Answer {
  readonly headers: Headers;
  readonly text: string;
  /**
   * Its JSON, as `read` takes it.
   * @throws CloverError CLV_CONTROL_PLANE_UNREACHABLE when it is no JSON, or `read` does not take it.
   */
  json<T>(read: (body: unknown) => T): T;
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
  /** Said where the token is missing or wrong: how to give the right one. */
  readonly tokenHelp: string;
  /** Longest time until an answer is there, in milliseconds; 0 is no limit. Streams have none. */
  readonly timeoutMs: number;
  /** Ends every request. */
  readonly signal?: AbortSignal | undefined;
  /** Sends a request. Default: `fetch`; `fetchAs` is another. */
  readonly fetch?: ((request: Request) => Promise<Response>) | undefined;
}

/**
 * Sends requests.
 * @throws CloverError CLV_ARGUMENT_INVALID for a token that no header can carry.
 */
export function createTransport(target: TransportTarget): Transport {
  const { url, timeoutMs, signal: always, fetch: ask = fetch } = target;
  const token = checkedToken(target.token, 'token');

  async function attempt<T>(
    path: string,
    { method = 'GET', body, bytes, headers, signal }: TransportOptions,
    limit: AbortSignal | undefined,
    take: (response: Response) => Promise<T>,
  ): Promise<T> {
    const asked = [signal, always].filter((one) => one !== undefined);
    const signals = limit === undefined ? asked : [...asked, limit];
    // Before anything is sent: what goes wrong here is no control plane that does not answer.
    const request = new Request(new URL(path, url), {
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
    });
    try {
      const response = await ask(request);
      if (!response.ok) throw refusal(response, await response.text(), target);
      return await take(response);
    } catch (error) {
      if (error instanceof CloverError) throw error;
      for (const one of asked) one.throwIfAborted();
      if (limit?.aborted !== true) throw unreachable(url, error);
      const message = `${new URL(url).origin} did not answer within ${timeoutMs / 1_000} s; more time is given by --request-timeout`;
      throw new CloverError('CLV_CONTROL_PLANE_UNREACHABLE', message, { cause: error });
    }
  }

  return {
    send: (path, options = {}) => {
      const limit = timeoutMs === 0 ? undefined : AbortSignal.timeout(timeoutMs);
      return attempt(path, options, limit, async (response) => {
        const text = await response.text();
        return { headers: response.headers, text, json: (read) => readJson(url, text, read) };
      });
    },

    open: (path, options = {}) =>
      attempt(path, options, undefined, async (response) => {
        const wanted = options.headers?.['accept'] ?? 'application/json';
        const type = response.headers.get('content-type') ?? 'nothing';
        if (type.startsWith(wanted)) return response;
        await response.body?.cancel();
        throw notClover(url, `found ${type} in place of ${wanted}`);
      }),
  };
}

function readJson<T>(url: string, text: string, read: (body: unknown) => T): T {
  try {
    return read(JSON.parse(text));
  } catch (cause) {
    const isJson = !(cause instanceof SyntaxError);
    throw notClover(url, isJson ? 'its JSON has another form' : 'found no JSON', cause);
  }
}

function refusal(
  { status, statusText, headers }: Response,
  text: string,
  { url, token, tokenHelp }: TransportTarget,
): CloverError {
  const parsed = receivedProblem.safeParse(parse(text));
  if (!parsed.success) return notClover(url, `${status} ${statusText}`.trim());
  const { code, detail, title, details } = parsed.data;
  const wait = Number(headers.get('retry-after'));
  const said = detail ?? title ?? code;
  const { origin } = new URL(url);
  const messages: Partial<Record<typeof code, string>> = {
    CLV_OVERLOADED: `${origin} takes no more just now: ${said}${wait > 0 ? `; try again in ${wait} s` : ''}`,
    CLV_UNAUTHORIZED: `${origin} ${token === '' ? 'wants a token' : 'does not take this token'}: ${tokenHelp}`,
  };
  return new CloverError(code, messages[code] ?? said, {
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

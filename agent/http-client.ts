import { Agent, request as startPlain } from 'node:http';
import { Agent as TlsAgent, request as startTls } from 'node:https';

/** One request. */
export interface HttpRequest {
  readonly method: 'GET' | 'POST';
  /** Path below the client's URL, with a leading slash; left out for the URL itself. */
  readonly path?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: Buffer;
  /** Milliseconds for the whole exchange. */
  readonly timeoutMs: number;
  readonly signal?: AbortSignal;
}

/** What was answered. */
export interface HttpResponse {
  readonly status: number;
  /** `Retry-After` in milliseconds from now; undefined without a valid one. */
  readonly retryAfterMs: number | undefined;
  readonly body: Buffer;
}

/** What {@link createHttpClient} needs. */
export interface HttpClientOptions {
  readonly url: string;
  /** PEM of who signs an https server; undefined for those that Node knows. */
  readonly ca?: string | undefined;
  /** Value of the header of that name, asked for with each request. */
  readonly authorization: () => Promise<string | undefined>;
}

/** Keep-alive HTTP to one server. */
export interface HttpClient {
  /** Rejects on a network error, on a time-out, and when the signal aborts. */
  request(options: HttpRequest): Promise<HttpResponse>;
  /** Closes idle connections. */
  close(): void;
}

/** Longest answer that is kept: a list of taps is far smaller. */
const answerLimit = 8 * 1024 * 1024;

/** A client on node:http: no other client costs less CPU and memory per request in Node. */
export function createHttpClient(options: HttpClientOptions): HttpClient {
  const base = new URL(options.url);
  const prefix = base.pathname.replace(/\/+$/, '');
  const tls = base.protocol === 'https:';
  const pooled = { keepAlive: true, maxSockets: 8 };
  const { ca } = options;
  const agent = tls
    ? new TlsAgent({ ...pooled, ...(ca === undefined ? {} : { ca }) })
    : new Agent(pooled);
  const startRequest = tls ? startTls : startPlain;

  const exchange = (
    { body, headers, method, path = '', signal, timeoutMs }: HttpRequest,
    authorization: string | undefined,
  ): Promise<HttpResponse> =>
    new Promise((resolve, reject) => {
      const outgoing = startRequest({
        agent,
        // URL keeps the brackets of an IPv6 address; sockets do not take them.
        host: base.hostname.replace(/^\[(.*)\]$/, '$1'),
        port: base.port || (tls ? 443 : 80),
        method,
        path: prefix + path || '/',
        headers: {
          ...headers,
          ...(authorization === undefined ? {} : { authorization }),
          ...(body === undefined ? {} : { 'content-length': String(body.length) }),
        },
        ...(signal === undefined ? {} : { signal }),
      });
      const timer = setTimeout(() => {
        outgoing.destroy(new Error(`no answer within ${timeoutMs} ms`));
      }, timeoutMs);
      const fail = (error: Error): void => {
        clearTimeout(timer);
        reject(error);
      };
      outgoing.on('error', fail);
      outgoing.on('response', (incoming) => {
        const chunks: Buffer[] = [];
        let size = 0;
        incoming.on('data', (chunk: Buffer) => {
          size += chunk.length;
          if (size > answerLimit) outgoing.destroy(new Error('the answer is too long'));
          else chunks.push(chunk);
        });
        incoming.on('error', fail);
        incoming.on('end', () => {
          clearTimeout(timer);
          resolve({
            status: incoming.statusCode ?? 0,
            retryAfterMs: parseRetryAfter(incoming.headers['retry-after'], Date.now()),
            body: Buffer.concat(chunks, size),
          });
        });
      });
      outgoing.end(body);
    });

  return {
    request: async (request) => exchange(request, await options.authorization()),
    close: () => agent.destroy(),
  };
}

/** Milliseconds of a `Retry-After` value (RFC 9110 §10.2.3): seconds or an HTTP date. */
export function parseRetryAfter(value: string | undefined, now: number): number | undefined {
  if (value === undefined) return undefined;
  if (/^\d+$/.test(value)) return Number(value) * 1_000;
  const at = Date.parse(value);
  return Number.isNaN(at) ? undefined : Math.max(0, at - now);
}

import type { IncomingMessage } from 'node:http';
import { request as plainRequest } from 'node:http';
import { request, type RequestOptions } from 'node:https';
import { text as textOf } from 'node:stream/consumers';
import { systemClock, type Clock } from '../../lib/clock.ts';
import { CloverError } from '../../lib/errors.ts';
import { parseAnswer } from './answer.ts';
import type { KubeConnection } from './connection.ts';
import { statusError } from './status-error.ts';

/** A call of the API server. */
export interface KubeCall {
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  /** From `/` on, already percent-encoded. */
  readonly path: string;
  /** Those that are undefined are left out. */
  readonly query?: Readonly<Record<string, string | undefined>>;
  readonly body?: unknown;
  /** Default: `application/json`. */
  readonly contentType?: string;
  /** Of an answer that is JSON under another name. Default: `application/json`. */
  readonly accept?: string;
}

/** A call whose answer goes on. */
export interface KubeStream extends KubeCall {
  /**
   * How long nothing may come before the connection counts as dead, in milliseconds: also one that is kept open by something between
   * that has lost the server. Default: 3 minutes, as an API server sends bookmarks about once a minute.
   */
  readonly silenceMs?: number | undefined;
}

/** Calls of an API server. */
export interface KubeClient {
  /**
   * The answer's JSON.
   * @throws CloverError as {@link statusError} says; CLV_KUBERNETES_UNREACHABLE when there is no answer; CLV_INTERNAL for one that
   * is no JSON.
   */
  call(call: KubeCall): Promise<unknown>;
  /**
   * The lines of an answer that goes on, until it ends: by itself, by the signal, or because the connection breaks or is silent. A line
   * that breaks off is left out.
   * @throws CloverError as `call`, at the first step; at any, CLV_INTERNAL for a line without end.
   */
  lines(call: KubeStream, signal: AbortSignal): AsyncIterable<string, void, void>;
}

const answerWithinMs = 30_000;
const longestSilenceMs = 180_000;
const mostTries = 5;
const mostWaitSeconds = 5;
/** Characters of one line of a watch: an object of etcd's largest size, and what JSON makes of it. */
const longestLine = 8 * 1024 * 1024;

/**
 * A client over one connection's settings.
 * @param clock by which it waits for a server that is busy.
 */
export function createKubeClient(
  connection: KubeConnection,
  clock: Pick<Clock, 'sleep'> = systemClock,
): KubeClient {
  const open = async (call: KubeCall, signal: AbortSignal): Promise<IncomingMessage> => {
    const { server } = connection;
    const url = new URL(`${server.pathname.replace(/\/$/, '')}${call.path}`, server);
    for (const [name, value] of Object.entries(call.query ?? {})) {
      if (value !== undefined) url.searchParams.set(name, value);
    }
    const { headers: connectionHeaders, ...options } = await connection.options();
    const body = call.body === undefined ? undefined : JSON.stringify(call.body);
    const headers = {
      ...connectionHeaders,
      accept: call.accept ?? 'application/json',
      'user-agent': 'clover',
      ...(body === undefined
        ? {}
        : {
            'content-type': call.contentType ?? 'application/json',
            'content-length': Buffer.byteLength(body),
          }),
    };
    return answered(url, { ...options, method: call.method, headers, signal }, body);
  };
  return {
    call: async (call) => {
      const signal = AbortSignal.timeout(answerWithinMs);
      return whileBusy(clock, signal, () =>
        reached(connection, async () => {
          const response = await open(call, signal);
          return { response, text: await textOf(response) };
        }).then(({ response, text }) => {
          const { statusCode = 0, headers } = response;
          if (statusCode >= 200 && statusCode < 300) return parseAnswer(text);
          throw statusError(statusCode, text, headers['retry-after']);
        }),
      );
    },
    async *lines({ silenceMs = longestSilenceMs, ...call }, signal) {
      const silence = new AbortController();
      const listen = () => setTimeout(() => silence.abort(), silenceMs);
      let timer = listen();
      try {
        const { response, refusal } = await reached(connection, async () => {
          const answer = await open(call, AbortSignal.any([signal, silence.signal]));
          const isRefused = answer.statusCode !== 200;
          return { response: answer, refusal: isRefused ? await textOf(answer) : undefined };
        });
        const { statusCode = 0, headers } = response;
        if (refusal !== undefined) throw statusError(statusCode, refusal, headers['retry-after']);
        for await (const line of linesOf(response)) {
          // While the reader works, it is not the server that is silent.
          clearTimeout(timer);
          yield line;
          timer = listen();
        }
      } finally {
        clearTimeout(timer);
      }
    },
  };
}

/**
 * Opens a connection that the next call finds: loading TLS and shaking hands takes as long as Node takes to start.
 * @throws CloverError as {@link KubeClient}.
 */
export async function connect(client: KubeClient): Promise<void> {
  // Whoever has an account may ask for it, and the server has it at hand.
  await client.call({ method: 'GET', path: '/version' });
}

/** A server that is busy, or makes the storage of a kind, has done nothing yet; it says when to come again. */
async function whileBusy<T>(
  clock: Pick<Clock, 'sleep'>,
  signal: AbortSignal,
  work: () => Promise<T>,
): Promise<T> {
  for (let tries = 1; ; tries += 1) {
    try {
      return await work();
    } catch (error) {
      const isBusy = error instanceof CloverError && error.code === 'CLV_OVERLOADED';
      if (!isBusy || tries >= mostTries || signal.aborted) throw error;
      const wait = Math.min(error.retryAfter ?? 1, mostWaitSeconds) * 1_000;
      await clock.sleep(wait, signal).catch(() => undefined);
    }
  }
}

function answered(
  url: URL,
  options: RequestOptions,
  body: string | undefined,
): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    // A proxy on loopback (`kubectl proxy`) speaks plain HTTP.
    const asked =
      url.protocol === 'http:'
        ? plainRequest(url, { ...options, agent: undefined })
        : request(url, options);
    asked.on('response', resolve);
    asked.on('error', reject);
    asked.end(body);
  });
}

async function reached<T>({ server }: KubeConnection, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (cause) {
    if (cause instanceof CloverError) throw cause;
    const why = cause instanceof Error ? cause.message : String(cause);
    const message = `the Kubernetes API at ${server.origin} does not answer: ${why}`;
    throw new CloverError('CLV_KUBERNETES_UNREACHABLE', message, { cause });
  }
}

/** Not readline: that has no bound on a line. */
async function* linesOf(response: IncomingMessage): AsyncGenerator<string, void, void> {
  let rest = '';
  const chunks: AsyncIterable<unknown, unknown, unknown> = response.setEncoding('utf8');
  try {
    for await (const chunk of chunks) {
      const lines = `${rest}${String(chunk)}`.split('\n');
      rest = lines.pop() ?? '';
      if (rest.length > longestLine) {
        const message = `the Kubernetes API sent a line of more than ${longestLine} characters`;
        throw new CloverError('CLV_INTERNAL', message);
      }
      yield* lines.filter((line) => line !== '');
    }
    if (rest !== '') yield rest;
  } catch (error) {
    if (error instanceof CloverError) throw error;
  } finally {
    response.destroy();
  }
}

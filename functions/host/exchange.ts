import type { IncomingMessage, ServerResponse } from 'node:http';
import { CloverError } from '../lib/errors.ts';
import type { Log } from '../lib/log.ts';
import { monotonicMs } from '../lib/monotonic.ts';
import type { Telemetry } from './telemetry.ts';
import { traceFields } from './telemetry/span-context.ts';
import { traceRequest } from './telemetry/trace-request.ts';

/** What exchanges tell of themselves, and to whom. */
export interface ExchangeOptions {
  readonly log: Log;
  readonly telemetry: Telemetry;
  /** Makes the ids of requests that have none. */
  readonly newId: () => string;
}

/**
 * Ids that are found again in logs. They need not be secret: not the crypto module, which costs a cold start 4 ms.
 */
export function createRequestIds(): () => string {
  const process = Math.floor(Math.random() * 2 ** 52).toString(36);
  let count = 0;
  return () => {
    count += 1;
    return `${process}-${count.toString(36)}`;
  };
}

/** A request with its response: it has an id and a trace, and its end is told. */
export class Exchange {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  /** Of the request, without the query. */
  readonly path: string;
  /** W3C trace context of the exchange. */
  readonly traceparent: string | undefined;
  readonly #options: ExchangeOptions;
  readonly #requestId: string;
  readonly #began = monotonicMs();
  readonly #onClose: (() => void)[] = [];
  #log: Log | undefined;
  #isClosed = false;

  constructor(request: IncomingMessage, response: ServerResponse, options: ExchangeOptions) {
    const { url = '/' } = request;
    this.request = request;
    this.response = response;
    this.path = url.split('?', 1)[0] ?? url;
    this.#options = options;
    this.#requestId = requestIdOf(request, options.newId);
    response.setHeader('x-request-id', this.#requestId);
    const { traceparent, end } = traceRequest(options.telemetry, request, response, this.path);
    this.traceparent = traceparent;
    if (end !== undefined) this.#onClose.push(end);
    // One listener for all who want to know: each costs as much as a small handler.
    response.once('close', () => this.#closed());
  }

  /** The log of the process, bound to the request's id and trace. */
  log(): Log {
    const requestId = this.#requestId;
    return (this.#log ??= this.#options.log.child({ requestId, ...traceFields(this.traceparent) }));
  }

  /** @throws CloverError CLV_METHOD_NOT_ALLOWED unless the method is one of these. */
  allow(...methods: readonly string[]): void {
    const { method = '' } = this.request;
    if (methods.includes(method)) return;
    this.response.setHeader('allow', methods.join(', '));
    const message = `${method} is not allowed, use ${methods.join(' or ')}`;
    throw new CloverError('CLV_METHOD_NOT_ALLOWED', message);
  }

  /** Lets a client that waits for it (`Expect: 100-continue`) send its body. */
  expectBody(): void {
    const { expect } = this.request.headers;
    if (expect?.toLowerCase() === '100-continue') this.response.writeContinue();
  }

  /** Whether the answer is out, or nobody waits for it any more. */
  get isClosed(): boolean {
    return this.#isClosed;
  }

  /** Calls back when it is closed. */
  onClose(listener: () => void): void {
    this.#onClose.push(listener);
  }

  #closed(): void {
    this.#isClosed = true;
    for (const listener of this.#onClose) listener();
    const { statusCode, headersSent, writableFinished: whole } = this.response;
    // Before its answer begins a response has a status that nobody sent.
    const status = headersSent ? statusCode : undefined;
    const level = statusCode >= 500 || !whole ? 'warn' : 'debug';
    if (!this.#options.log.isLevelEnabled(level)) return;
    const { method, url } = this.request;
    const ms = Math.round(monotonicMs() - this.#began);
    this.log()[level]({ method, url, status, ms, whole }, 'request');
  }
}

/** The caller's id where it is fit for a log line, else a new one. */
function requestIdOf({ headers }: IncomingMessage, newId: () => string): string {
  const given = headers['x-request-id'];
  return typeof given === 'string' && /^[\w.:-]{1,128}$/.test(given) ? given : newId();
}

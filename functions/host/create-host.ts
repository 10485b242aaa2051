import {
  createServer,
  STATUS_CODES,
  type Server,
  type ServerOptions,
  type ServerResponse,
} from 'node:http';
import type { Socket } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { CloverError } from '../lib/errors.ts';
import { excerpt } from '../lib/excerpt.ts';
import type { Log } from '../lib/log.ts';
import { monotonicMs } from '../lib/monotonic.ts';
import { Slots } from '../lib/slots.ts';
import type { AgentCalls } from './agent-calls.ts';
import { createBodyPace, defaultPace, isAwaited, type LeastPace } from './body-pace.ts';
import { createCors } from './cors.ts';
import type { EmitEvent } from './invocation.ts';
import { createLinger } from './linger.ts';
import { createListener, type AdmitScraper, type RequestListener } from './listener.ts';
import { problemHeaders, problemOf, sendProblem } from './problem.ts';
import type { Runner } from './runner.ts';
import type { AdmitSender } from './sender-guard.ts';
import { closePort, createStopListening } from './stop-listening.ts';
import { noTelemetry, type Telemetry } from './telemetry.ts';

/** Options of {@link createHost}. */
export interface HostOptions {
  readonly runner: Runner;
  /** Takes the events of `POST /broker`; absent: there is no broker here. */
  readonly publish?: EmitEvent;
  /** Function whose events come to `/`, as Knative sends them. */
  readonly rootFunction?: string;
  /** Whether a caller may have everything but health, by its Authorization. Default: whoever reaches the port. */
  readonly isAuthorized?: (authorization: string | undefined) => boolean;
  /** Of those who may not have everything, who may do this much. Default: nobody. */
  readonly agents?: AgentCalls;
  /** Default: nobody. */
  readonly admitScraper?: AdmitScraper;
  /** Who may send events, and call what functions serve themselves. Default: whoever may have everything. */
  readonly admitSender?: AdmitSender;
  readonly log: Log;
  /** Default: none. */
  readonly telemetry?: Telemetry;
  /** Origins whose browsers may call; see {@link createCors}. Default: none. */
  readonly corsOrigins?: readonly string[];
  /** Makes the server, such as one of TLS. Default: Node's of plain HTTP. */
  readonly createServer?: (options: ServerOptions, listener: RequestListener) => Server;
  /** Milliseconds in which a request's head and body have to come in. Default 30 000. */
  readonly requestTimeoutMs?: number;
  /** What is slower is 408. Default: {@link defaultPace}. */
  readonly leastPace?: LeastPace;
  /** Requests in hand, streams too, before all but health and metrics is 503. Default 1 024. */
  readonly maxRequests?: number;
  /** Milliseconds between the end of readiness and the end of listening. Default 250. */
  readonly drainGraceMs?: number;
  /** Milliseconds that bodies have to come in whole once listening has ended; then they are 503. Default 5 000. */
  readonly drainBodyMs?: number;
}

/** The HTTP server around the functions of one process. */
export interface Host {
  /**
   * Starts to listen; returns the URL. Port 0 takes a free one. Without a host it listens at every address, IPv6 and IPv4,
   * and spares the start of the process Node's resolver.
   * @throws CloverError CLV_CONFIG_INVALID when it cannot have the address.
   */
  listen(address: { readonly host?: string; readonly port: number }): Promise<string>;
  /** Readiness ends, then listening; resolves when every accepted request has its answer. */
  drain(): Promise<void>;
  /** Requests without an answer. */
  pending(): number;
  /** Connections that were turned away because there were too many, cumulative. */
  turnedAway(): number;
  /** Ends what still streams and every connection. */
  close(): Promise<void>;
}

/** Node's default; larger heads are answered 431. */
const maxHeaderBytes = 16 * 1024;
/** Each costs memory before it has asked anything. */
const maxConnections = 4_096;
const pollMs = 10;

/** Makes the server; nothing is bound before `listen`. */
export function createHost(options: HostOptions): Host {
  const { runner, publish, rootFunction, log, telemetry = noTelemetry } = options;
  const { requestTimeoutMs = 30_000, leastPace = defaultPace } = options;
  const { drainGraceMs = 250, drainBodyMs = 5_000 } = options;
  let draining = false;
  let turnedAway = 0;
  const open = new Slots<ServerResponse>();
  const listener = createListener({
    runner,
    log,
    telemetry,
    ...(publish === undefined ? {} : { publish }),
    ...(rootFunction === undefined ? {} : { rootFunction }),
    isAuthorized: options.isAuthorized ?? (() => true),
    ...(options.agents === undefined ? {} : { agents: options.agents }),
    ...(options.admitScraper === undefined ? {} : { admitScraper: options.admitScraper }),
    ...(options.admitSender === undefined ? {} : { admitSender: options.admitSender }),
    cors: createCors(options.corsOrigins ?? []),
    isDraining: () => draining,
    open,
    maxOpen: options.maxRequests ?? 1_024,
  });
  const make = options.createServer ?? createServer;
  const server = make(
    {
      maxHeaderSize: maxHeaderBytes,
      requestTimeout: requestTimeoutMs,
      headersTimeout: requestTimeoutMs,
      connectionsCheckingInterval: Math.max(requestTimeoutMs / 10, 50),
      // The listener asks for it, and says so.
      requireHostHeader: false,
    },
    listener,
  );
  // Not Node's own answer: who waits for 100 Continue hears first whether the body is wanted.
  server.on('checkContinue', listener);
  server.on('checkExpectation', (request, response) => {
    const message = `Expect: found ${JSON.stringify(excerpt(request.headers.expect ?? ''))}; only 100-continue is known`;
    listener(request, response, new CloverError('CLV_EXPECTATION_FAILED', message));
  });
  server.on('connect', (_request, socket) => {
    socket.on('error', () => socket.destroy());
    const error = new CloverError('CLV_METHOD_NOT_ALLOWED', 'CONNECT: this is no proxy');
    // RFC 9110 §15.5.6 wants the header; nothing can be done with what CONNECT names.
    socket.end(rawProblem(error, { allow: '' }), () => socket.destroy());
  });
  server.maxConnections = maxConnections;
  server.on('drop', () => {
    turnedAway += 1;
    telemetry.count('clover.host.connections.refused', 1);
    log.warn({ maxConnections, turnedAway }, 'a connection was turned away');
  });
  // A client may end its side once it has asked, and still gets its answer.
  Object.assign(server, { httpAllowHalfOpen: true });
  server.on('clientError', (error: NodeJS.ErrnoException, socket: Socket) => {
    const begun = [...open].some((response) => response.socket === socket && response.headersSent);
    if (!socket.writable || begun || error.code === 'ECONNRESET') socket.destroy();
    else socket.end(rawProblem(clientProblem(error.code)), () => socket.destroy());
  });

  const pace = createBodyPace({
    ...leastPace,
    open,
    onSlow: (response) => {
      telemetry.count('clover.host.bodies.slow', 1);
      const { bytes, windowMs } = leastPace;
      const message = `less than ${bytes} bytes of the body came in ${windowMs} ms`;
      // Its end closes the connection, and so the reading of the body.
      sendProblem(response, new CloverError('CLV_REQUEST_TIMEOUT', message));
    },
  });
  const linger = createLinger({ open });
  server.on('connection', (socket) => linger.watch(socket));
  // Behind the reading: what came in while this process stood still is not held against its sender.
  const sweep = (): void => void setImmediate(() => pace.sweep(monotonicMs()));
  let sweeping: NodeJS.Timeout | undefined;

  const refuseBodies = (): void => {
    for (const response of [...open].filter(isAwaited)) {
      const message = 'the host stops, and the body has not come in whole';
      sendProblem(response, new CloverError('CLV_OVERLOADED', message));
    }
  };
  const stopListening = createStopListening(server, open);
  const pending = (): number => [...open].filter((response) => !streaming(response)).length;

  return {
    listen: async (wanted) => {
      await new Promise<void>((resolve, reject) => {
        const fail = (cause: Error): void => {
          const message = `cannot listen on ${wanted.host ?? '*'}:${wanted.port}: ${cause.message}`;
          reject(new CloverError('CLV_CONFIG_INVALID', message, { cause }));
        };
        server.once('error', fail);
        server.listen(wanted, () => {
          server.off('error', fail);
          sweeping = setInterval(sweep, leastPace.windowMs / 5).unref();
          resolve();
        });
      });
      const address = server.address();
      if (address === null || typeof address === 'string') throw new Error('not a TCP server');
      const { family, address: ip, port: bound } = address;
      const scheme = 'setSecureContext' in server ? 'https' : 'http';
      return `${scheme}://${family === 'IPv6' ? `[${ip}]` : ip}:${bound}`;
    },
    drain: async () => {
      draining = true;
      // Callers see readiness end, and `Connection: close` takes them off their connections.
      await stopListening(drainGraceMs);
      const end = monotonicMs() + drainBodyMs;
      while (pending() > 0) {
        if (monotonicMs() > end) refuseBodies();
        await delay(pollMs);
      }
    },
    pending,
    turnedAway: () => turnedAway,
    close: async () => {
      draining = true;
      for (const response of open) if (streaming(response)) response.end();
      closePort(server);
      const end = monotonicMs() + 1_000;
      while (open.size + linger.count() > 0 && monotonicMs() < end) await delay(pollMs);
      clearInterval(sweeping);
      server.closeAllConnections();
      // For what Node checks by itself: the port is closed.
      server.close();
    },
  };
}

/** A response that has begun but not ended is a stream (a watch): it has no end of its own. */
function streaming(response: ServerResponse): boolean {
  return response.headersSent && !response.writableEnded;
}

/** What the HTTP parser of Node refuses before a request exists. */
function clientProblem(code: string | undefined): CloverError {
  switch (code) {
    case 'HPE_HEADER_OVERFLOW':
      return new CloverError(
        'CLV_HEADERS_TOO_LARGE',
        `the head of the request is larger than ${maxHeaderBytes} bytes`,
      );
    case 'HPE_INVALID_EOF_STATE':
      return new CloverError('CLV_ARGUMENT_INVALID', 'the request ended before it was whole');
    case 'ERR_HTTP_REQUEST_TIMEOUT':
      return new CloverError('CLV_REQUEST_TIMEOUT', 'the request did not come in whole in time');
    default:
      return new CloverError('CLV_ARGUMENT_INVALID', 'this is not an HTTP/1.1 request');
  }
}

function rawProblem(error: CloverError, more: Readonly<Record<string, string>> = {}): string {
  const body = JSON.stringify(problemOf(error));
  const headers = {
    ...problemHeaders(error),
    ...more,
    connection: 'close',
    'content-length': String(Buffer.byteLength(body)),
  };
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
  return `HTTP/1.1 ${error.status} ${STATUS_CODES[error.status] ?? ''}\r\n${lines.join('')}\r\n${body}`;
}

import type { IncomingMessage, ServerResponse } from 'node:http';
import { CloverError } from '../lib/errors.ts';
import { excerpt } from '../lib/excerpt.ts';
import type { Log } from '../lib/log.ts';
import type { Slots } from '../lib/slots.ts';
import type { AgentCalls } from './agent-calls.ts';
import type { Cors } from './cors.ts';
import { createDependencyCheck } from './dependencies.ts';
import { createEventPosts } from './event-posts.ts';
import { createRequestIds, Exchange } from './exchange.ts';
import type { EmitEvent } from './invocation.ts';
import { badPath, sendProblem, tellError } from './problem.ts';
import { createRoutes } from './routes.ts';
import type { Runner } from './runner.ts';
import type { AdmitSender } from './sender-guard.ts';
import { sendWhole } from './send-whole.ts';
import type { Telemetry } from './telemetry.ts';
import { countSenderRefusal } from './telemetry/count-refusal.ts';

/**
 * Lets in who may read the metrics, by their Authorization, of those who may not have everything.
 * Rejects with CLV_UNAUTHORIZED or CLV_FORBIDDEN, or with what kept it from being found out.
 */
export type AdmitScraper = (authorization: string | undefined) => Promise<void>;

/** Options of {@link createListener}. */
export interface ListenerOptions {
  readonly runner: Runner;
  /** Takes the events of `POST /broker`; absent: there is no broker here. */
  readonly publish?: EmitEvent;
  /** Function whose events come to `/`, as Knative sends them. */
  readonly rootFunction?: string;
  /** Whether a caller may have everything but health. */
  readonly isAuthorized: (authorization: string | undefined) => boolean;
  /** Callers that may do this much; absent: none. */
  readonly agents?: AgentCalls;
  readonly admitScraper?: AdmitScraper;
  /** Asked of every request but those for health and metrics, before its body is read. */
  readonly admitSender?: AdmitSender;
  readonly log: Log;
  readonly telemetry: Telemetry;
  readonly cors: Cors;
  readonly isDraining: () => boolean;
  /** Holds every response until it is closed. */
  readonly open: Slots<ServerResponse>;
  /** Responses that may be open before everything but health and metrics is 503. */
  readonly maxOpen: number;
}

/** What a host answers itself, as OpenAPI writes paths; everything else is a function's. */
export const hostPaths = [
  '/health/live',
  '/health/ready',
  '/health/dependencies',
  '/metrics',
  '/broker',
  '/functions/{name}',
] as const;

/** Characters that the address of a request may have. */
export const longestUrl = 8 * 1024;

/** What an HTTP server calls for each request, with the answer where it is refused already. Never throws. */
export type RequestListener = (
  request: IncomingMessage,
  response: ServerResponse,
  refused?: CloverError,
) => void;

/**
 * The HTTP surface of a host; see docs/architecture.md. Health, events and metrics are answered on Node's own
 * server; a function's own routes, and Express with them, are loaded by the first request for one.
 */
export function createListener(options: ListenerOptions): RequestListener {
  const { runner, rootFunction, log, telemetry, cors, isDraining, open } = options;
  const { isAuthorized, agents, admitScraper, admitSender } = options;
  const events = createEventPosts(options);
  const routes = createRoutes(runner.deployed, telemetry);
  const newId = createRequestIds();
  const dependencies = createDependencyCheck(runner.deployed.map(({ fn }) => fn));

  const health = (exchange: Exchange): boolean => {
    const { path } = exchange;
    if (path !== '/health/live' && path !== '/health/ready') return false;
    exchange.allow('GET', 'HEAD');
    if (path === '/health/live') sendJson(exchange, { status: 'live' });
    else if (isDraining()) throw new CloverError('CLV_OVERLOADED', 'the host drains');
    else sendJson(exchange, { status: 'ready' });
    return true;
  };

  /** @throws CloverError CLV_UNAUTHORIZED. */
  const limitsOf = ({ request, path }: Exchange): AgentCalls | undefined => {
    const { authorization } = request.headers;
    if (isAuthorized(authorization)) return undefined;
    if (agents?.isAgent(authorization) === true) return agents;
    if (routes.isGuarded(path)) return undefined;
    throw new CloverError('CLV_UNAUTHORIZED', "send Authorization: Bearer with the host's token");
  };

  const scrape = async (exchange: Exchange): Promise<void> => {
    const { request, response, path } = exchange;
    const { authorization } = request.headers;
    const isKnown = isAuthorized(authorization) || agents?.isAgent(authorization) === true;
    if (isKnown || admitScraper === undefined) limitsOf(exchange)?.demand(request.method, path);
    else await admitScraper(authorization);
    exchange.allow('GET', 'HEAD');
    const page = await telemetry.scrape?.();
    if (page === undefined) throw new CloverError('CLV_NOT_FOUND', 'metrics are switched off');
    sendWhole(response, 200, { 'content-type': page.contentType }, page.body);
  };

  const admit = async ({ request, path }: Exchange): Promise<void> => {
    const { authorization } = request.headers;
    await admitSender?.({ authorization, path }).catch((error: unknown) => {
      countSenderRefusal(telemetry, error);
      throw error;
    });
  };

  const answer = async (exchange: Exchange): Promise<void> => {
    const { request, response, path } = exchange;
    if (cors(request, response)) return;
    checkHead(request);
    if (health(exchange)) return;
    if (path === '/metrics') return scrape(exchange);
    const agent = limitsOf(exchange);
    agent?.demand(request.method, path);
    if (path === '/health/dependencies') {
      exchange.allow('GET', 'HEAD');
      return sendJson(exchange, await dependencies());
    }
    if (open.size > options.maxOpen) {
      const message = `the host has ${options.maxOpen} requests in hand`;
      throw new CloverError('CLV_OVERLOADED', message, { retryAfter: 1 });
    }
    await admit(exchange);
    const { publish } = options;
    if (path === '/broker' && publish !== undefined) {
      return events.publish(exchange, agent?.publisher(publish) ?? publish);
    }
    const name = path === '/' ? rootFunction : functionOf(path);
    if (name !== undefined) return events.invoke(exchange, name);
    const handler = await routes.handler(path);
    if (handler === undefined) {
      throw new CloverError('CLV_NOT_FOUND', `there is nothing at ${excerpt(path)}`);
    }
    exchange.expectBody();
    handler(request, response, (error) => fail(error, exchange));
  };

  const told = { log, telemetry, newId };
  return (request, response, refused) => {
    const { url = '' } = request;
    if (url.charCodeAt(0) !== slash) request.url = originForm(url);
    const exchange = new Exchange(request, response, told);
    const place = open.add(response);
    exchange.onClose(() => open.take(place));
    if (isDraining()) response.setHeader('connection', 'close');
    if (refused !== undefined) fail(refused, exchange);
    else answer(exchange).catch((error: unknown) => fail(error, exchange));
  };
}

const slash = 0x2f;

/** Of the absolute form, as a proxy gets it, the path and the query: this server has one authority (RFC 9112 §3.2.2). */
function originForm(target: string): string {
  const absolute = /^https?:\/\/[^/?#]*(.*)$/i.exec(target)?.[1];
  if (absolute === undefined) return target;
  return absolute.startsWith('/') ? absolute : `/${absolute}`;
}

/** @throws CloverError CLV_HTTP_VERSION_UNSUPPORTED, CLV_URL_TOO_LONG, CLV_ARGUMENT_INVALID. */
function checkHead({ url = '', headers, rawHeaders, httpVersion }: IncomingMessage): void {
  // Node's parser reads 2.0 in the form of 1.1 as well; a proxy before it may have framed the body in another way.
  if (httpVersion !== '1.1' && httpVersion !== '1.0') {
    const message = `found HTTP/${httpVersion}; send HTTP/1.1`;
    throw new CloverError('CLV_HTTP_VERSION_UNSUPPORTED', message);
  }
  if (url.length > longestUrl) {
    const message = `the address has ${url.length} characters, more than ${longestUrl}`;
    throw new CloverError('CLV_URL_TOO_LONG', message);
  }
  // RFC 9112 §3.2; Node's own answer to this has no body.
  if (headers.host === undefined && httpVersion === '1.1') {
    const details = [{ field: 'host', message: 'send the header Host with the host and port' }];
    throw new CloverError('CLV_ARGUMENT_INVALID', 'the request has no Host', { details });
  }
  // Same clause. Node keeps the first one; a proxy before it may have gone by the last one.
  if (hasTwoHosts(rawHeaders)) {
    const details = [{ field: 'host', message: 'is there more than once: send it once' }];
    throw new CloverError('CLV_ARGUMENT_INVALID', 'the request has more than one Host', {
      details,
    });
  }
}

/** Names are compared by their length first: every request comes by here. */
function hasTwoHosts(rawHeaders: readonly string[]): boolean {
  let count = 0;
  for (let at = 0; at < rawHeaders.length; at += 2) {
    const name = rawHeaders[at];
    if (name?.length === 4 && name.toLowerCase() === 'host') count += 1;
  }
  return count > 1;
}

/** @throws CloverError CLV_ARGUMENT_INVALID. */
function functionOf(path: string): string | undefined {
  const name = /^\/functions\/([^/]+)$/.exec(path)?.[1];
  try {
    return name === undefined ? undefined : decodeURIComponent(name);
  } catch (cause) {
    throw badPath(path, cause);
  }
}

function sendJson({ response }: Exchange, body: unknown): void {
  sendWhole(response, 200, { 'content-type': 'application/json' }, JSON.stringify(body));
}

function fail(error: unknown, exchange: Exchange): void {
  const note = (err: unknown): void => exchange.log().error({ err }, 'request failed');
  tellError(error, note, (known) => sendProblem(exchange.response, known));
}

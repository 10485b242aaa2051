import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { ExecutionContext } from 'ava';
import type { Deliver } from '../../../../functions/host/broker/broker.ts';
import type { Outcome } from '../../../../functions/host/broker/messages.ts';
import type { CloudEvent } from '../../../../functions/lib/cloud-event.ts';
import { eventHeaders } from '../../../../functions/lib/event-headers.ts';
import { listenOnLoopback } from '../helpers.ts';

/** A delivery as an HTTP server saw it. */
export interface Seen {
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
}

/** A subscriber behind HTTP. */
export interface Subscriber {
  /** Brings deliveries of a broker to it, in binary mode. */
  readonly deliver: Deliver;
  readonly seen: readonly Seen[];
  /** Every delivery, by a clock in milliseconds. */
  readonly attempts: readonly { readonly began: number; readonly ended: number }[];
}

/** Answers a delivery. */
export type Respond = (response: ServerResponse, request: IncomingMessage) => void;

/**
 * Starts an HTTP server that answers deliveries; the last answer counts for all that follow.
 * A server that does not answer in time is 504, one that is not there 500, as with Knative.
 */
export async function startSubscriber(
  t: ExecutionContext,
  ...answers: readonly Respond[]
): Promise<Subscriber> {
  const seen: Seen[] = [];
  // A connection that the server closes for its age while a delivery is on its way would be an attempt more.
  const server = createServer({ keepAliveTimeout: 600_000 }, (request, response) => {
    seen.push({ headers: request.headers });
    answers[Math.min(seen.length, answers.length) - 1]?.(response, request);
  });
  const port = await listenOnLoopback(server);
  t.teardown(() => {
    server.close();
    server.closeAllConnections();
  });
  const attempts: { began: number; ended: number }[] = [];
  const send = deliverTo(`http://127.0.0.1:${port}/`);
  const deliver: Deliver = async (request) => {
    const began = performance.now();
    const outcome = await send(request);
    attempts.push({ began, ended: performance.now() });
    return outcome;
  };
  return { seen, attempts, deliver };
}

/** Delivers by HTTP to an address. */
export function deliverTo(url: string): Deliver {
  return async ({ event, timeoutMs }) => {
    try {
      const response = await fetch(url, {
        method: 'POST',
        headers: eventHeaders(event),
        body: new Uint8Array(event.data),
        signal: AbortSignal.timeout(timeoutMs),
      });
      const body = Buffer.from(await response.arrayBuffer());
      return outcomeOf(response, body);
    } catch (error) {
      const isLate = error instanceof Error && error.name === 'TimeoutError';
      return { status: isLate ? 504 : 500, message: String(error) };
    }
  };
}

/** An answer with a status, and what else belongs to it. */
export const answer =
  (status: number, headers: Record<string, string> = {}, body = ''): Respond =>
  (response) =>
    response.writeHead(status, headers).end(body);

function outcomeOf({ status, headers }: Response, body: Buffer): Outcome {
  const after = headers.get('retry-after');
  return {
    status,
    message: body.toString(),
    ...(after === null ? {} : { retryAfterMs: Number(after) * 1_000 }),
    ...(headers.has('ce-type') ? { reply: replyOf(headers, body) } : {}),
  };
}

/** As it came: whether it is an event is for the broker to say. */
function replyOf(headers: Headers, body: Buffer): CloudEvent {
  const attribute = (name: string): string => headers.get(`ce-${name}`) ?? '';
  return {
    specversion: '1.0',
    id: attribute('id'),
    source: attribute('source'),
    type: attribute('type'),
    extensions: {},
    data: body,
  };
}

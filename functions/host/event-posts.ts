import type { ServerResponse } from 'node:http';
import type { CloudEvent } from '../lib/cloud-event.ts';
import { eventHeaders } from '../lib/event-headers.ts';
import { createBodyBudget } from './body-budget.ts';
import { decodeHttpEvent, type DistinctHeaders } from './cloud-event-http.ts';
import type { Exchange } from './exchange.ts';
import type { EmitEvent } from './invocation.ts';
import { readBody } from './read-body.ts';
import type { Runner } from './runner.ts';

/** Options of {@link createEventPosts}. */
export interface EventPostOptions {
  readonly runner: Runner;
}

/** Answers POSTs of events. */
export interface EventPosts {
  /** Gives the event to a function: 204, or 200 with its reply. */
  invoke(exchange: Exchange, name: string): Promise<void>;
  /** Gives the event to the broker: 202. */
  publish(exchange: Exchange, publish: EmitEvent): Promise<void>;
}

/** Telemetry comes in large batches; control events are small. */
const directBytes = 64 * 1024 * 1024;
const brokerBytes = 256 * 1024;
/** Of all of them together; one body of the largest size always finds room beside others. */
const budgetBytes = 256 * 1024 * 1024;

/** Bodies are read once there is room for the event: a refused one costs no memory. */
export function createEventPosts({ runner }: EventPostOptions): EventPosts {
  const budget = createBodyBudget(budgetBytes);
  const read = async (exchange: Exchange, bytes: number): Promise<CloudEvent> => {
    const { request, response } = exchange;
    exchange.expectBody();
    const body = await readBody(request, { bytes, take: budget.lease(response) });
    return decodeHttpEvent(eventFields(request.rawHeaders), body);
  };
  return {
    async invoke(exchange, name) {
      exchange.allow('POST');
      const { request, response, log, traceparent } = exchange;
      const reply = await runner.post(name, {
        read: () => read(exchange, directBytes),
        log,
        traceparent,
        tracestate: one(request.headers['tracestate']),
      });
      sendReply(response, reply);
    },
    async publish(exchange, publish) {
      exchange.allow('POST');
      await publish(await read(exchange, brokerBytes));
      exchange.response.writeHead(202).end();
    },
  };
}

/** The fields that describe the event; of all the others `headersDistinct` would make lists too. */
function eventFields(raw: readonly string[]): DistinctHeaders {
  const fields: Record<string, string[]> = {};
  for (let at = 0; at < raw.length; at += 2) {
    const name = raw[at]?.toLowerCase() ?? '';
    if (!name.startsWith('ce-') && name !== 'content-type') continue;
    (fields[name] ??= []).push(raw[at + 1] ?? '');
  }
  return fields;
}

/** A reply is an event in binary mode, as Knative takes it back into its broker. */
function sendReply(response: ServerResponse, reply: CloudEvent | undefined): void {
  if (reply === undefined) response.writeHead(204).end();
  else response.writeHead(200, eventHeaders(reply)).end(reply.data);
}

function one(value: string | string[] | undefined): string | undefined {
  return typeof value === 'string' ? value : undefined;
}

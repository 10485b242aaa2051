import type { IncomingMessage, ServerResponse } from 'node:http';
import type { CloudEvent } from '../lib/cloud-event.ts';
import { CloverError } from '../lib/errors.ts';
import { eventHeaders } from '../lib/event-headers.ts';
import type { Log } from '../lib/log.ts';
import { traceContextOf } from '../lib/trace-context.ts';
import { batchAnswer, failedResult, type BatchResult } from './batch-answer.ts';
import { createBodyBudget, type BodyLease } from './body-budget.ts';
import { decodeHttpMessage, type DistinctHeaders, type HttpMessage } from './cloud-event-http.ts';
import { batchMediaType } from './cloud-event-json.ts';
import type { Exchange } from './exchange.ts';
import { createInHand } from './in-hand.ts';
import { inTrace } from './in-trace.ts';
import type { EmitEvent } from './invocation.ts';
import { createOnGone, type OnGone } from './on-gone.ts';
import { tellError } from './problem.ts';
import { readBody, refuseLarge } from './read-body.ts';
import type { Runner } from './runner.ts';
import { sendWhole } from './send-whole.ts';
import type { Telemetry } from './telemetry.ts';
import { countRefusal } from './telemetry/count-refusal.ts';

/** Options of {@link createEventPosts}. */
export interface EventPostOptions {
  readonly runner: Runner;
  readonly telemetry: Telemetry;
}

/** Answers POSTs of events. */
export interface EventPosts {
  /** Gives the event to a function: 204, or 200 with its reply. Of a batch replies are emitted. */
  invoke(exchange: Exchange, name: string): Promise<void>;
  /** Gives the event to the broker: 202. Of a batch each event is committed by itself. */
  publish(exchange: Exchange, publish: EmitEvent): Promise<void>;
}

/** Telemetry comes in large batches; control events are small. */
const directBytes = 64 * 1024 * 1024;
const brokerBytes = 256 * 1024;
/** Of all of them together; one body of the largest size always finds room beside others. */
const budgetBytes = 256 * 1024 * 1024;

/** Events of a batch that are worked on at the same time. */
const batchConcurrency = 8;
/** Decoded a batch is up to 10 000 events, whose memory the budget of bodies does not know. */
const maxBatches = 16;
/** POSTs to the broker in hand; what it has room for is the queue's affair. */
const maxPublishing = 512;

/**
 * Bodies are read if there is room for the event, or the batch: a refused one costs no memory. They take their place once
 * they are whole: however slowly bodies come in, they keep no place from others.
 */
export function createEventPosts({ runner, telemetry }: EventPostOptions): EventPosts {
  const refuse =
    (stage: 'read' | 'publish') =>
    (error: unknown): never => {
      countRefusal(telemetry, error, stage);
      throw error;
    };
  const budget = createBodyBudget(budgetBytes);
  const batches = createInHand(maxBatches, 'batches');
  const publishing = createInHand(maxPublishing, 'POSTs to the broker', (error) =>
    countRefusal(telemetry, error, 'read'),
  );
  const decodeCounted = (request: IncomingMessage, body: Buffer): HttpMessage => {
    try {
      return decode(request, body);
    } catch (error) {
      return refuse('read')(error);
    }
  };
  const onGone = createOnGone();
  /** Tells a handler that its caller has gone. */
  const interruptWith =
    (exchange: Exchange) =>
    (interrupt: (reason: CloverError) => void): void =>
      onGone(exchange, () => interrupt(callerGone()));
  const invokeBatch = async (exchange: Exchange, name: string, lease: BodyLease): Promise<void> => {
    const log = (): Log => exchange.log();
    const { traceparent, request } = exchange;
    const tracestate = stateOf(request);
    const body = await readWhole(exchange, lease, directBytes);
    const work = async (event: CloudEvent): Promise<number> => {
      lease.hold();
      const reply = await runner.post(name, {
        read: async () => event,
        log,
        traceparent,
        tracestate,
        exchange,
        onBegin: interruptWith(exchange),
        onEnd: () => lease.release(),
      });
      // The answer is taken by the results.
      if (reply !== undefined) await runner.emit(reply);
      return 204;
    };
    await batches.run(() => answerBatch({ exchange, onGone }, decode(request, body), work));
  };
  const publishAll = async (
    exchange: Exchange,
    publish: EmitEvent,
    lease: BodyLease,
  ): Promise<void> => {
    const body = await readWhole(exchange, lease, brokerBytes).catch(refuse('read'));
    await publishing.run(() => publishBody(exchange, publish, body));
  };
  const publishBody = async (
    exchange: Exchange,
    publish: EmitEvent,
    body: Buffer,
  ): Promise<void> => {
    const { request, traceparent } = exchange;
    const message = decodeCounted(request, body);
    const tracestate = stateOf(request);
    // Who sends no extension has only the headers of this hop: to the functions behind, the trace begins here.
    const context = traceContextOf({ traceparent, tracestate });
    if (message.batch === undefined) {
      await publish(inTrace(message.event, context)).catch(refuse('publish'));
      sendWhole(exchange.response, 202, {}, '');
      return;
    }
    for (const { error } of message.batch) {
      if (error !== undefined) countRefusal(telemetry, error, 'read');
    }
    await answerBatch({ exchange, onGone }, message, async (event) => {
      await publish(inTrace(event, context)).catch(refuse('publish'));
      return 202;
    });
  };
  return {
    async invoke(exchange, name) {
      exchange.allow('POST');
      const { request, response, traceparent } = exchange;
      const lease = budget.lease();
      if (isBatch(request)) {
        batches.check();
        return invokeBatch(exchange, name, lease).finally(() => lease.release());
      }
      const reply = await runner.post(name, {
        read: async () => single(decode(request, await readWhole(exchange, lease, directBytes))),
        log: () => exchange.log(),
        traceparent,
        tracestate: stateOf(request),
        exchange,
        onBegin: interruptWith(exchange),
        onEnd: () => lease.release(),
      });
      sendReply(response, reply);
    },
    async publish(exchange, publish) {
      exchange.allow('POST');
      publishing.check();
      const lease = budget.lease();
      await publishAll(exchange, publish, lease).finally(() => lease.release());
    },
  };
}

const callerGone = (): CloverError =>
  new CloverError('CLV_CALLER_GONE', 'the caller closed the connection');

async function readWhole(exchange: Exchange, lease: BodyLease, bytes: number): Promise<Buffer> {
  const { request } = exchange;
  const limit = { bytes, take: (size: number) => lease.take(size) };
  // Who asks before sending should not send what is not taken.
  refuseLarge(request, limit);
  exchange.expectBody();
  return readBody(request, limit);
}

function decode({ rawHeaders }: IncomingMessage, body: Buffer): HttpMessage {
  return decodeHttpMessage(eventFields(rawHeaders), body);
}

function isBatch({ headers }: IncomingMessage): boolean {
  return headers['content-type']?.toLowerCase().startsWith(batchMediaType) ?? false;
}

function single(message: HttpMessage): CloudEvent {
  if (message.batch === undefined) return message.event;
  throw new CloverError('CLV_UNSUPPORTED_MEDIA_TYPE', 'a batch is not taken here');
}

/** Works through a batch; one event's failure is that event's result. Nothing more is begun once the caller has gone. */
async function answerBatch(
  { exchange, onGone }: { readonly exchange: Exchange; readonly onGone: OnGone },
  message: HttpMessage,
  work: (event: CloudEvent) => Promise<number>,
): Promise<void> {
  const items = message.batch ?? [{ event: message.event }];
  const results: BatchResult[] = [];
  const queue = items.entries();
  let isGone = false;
  onGone(exchange, () => {
    isGone = true;
  });
  const worker = async (): Promise<void> => {
    for (const [index, item] of queue) {
      if (item.error !== undefined) {
        results[index] = failedResult(index, item.id, item.error);
        continue;
      }
      const { event } = item;
      try {
        // A failure: what was not begun has to come again.
        if (isGone) throw callerGone();
        results[index] = { index, id: event.id, status: await work(event) };
      } catch (error) {
        const { id } = event;
        const note = (err: unknown): void =>
          exchange.log().error({ err, index, id }, 'an event of a batch failed');
        results[index] = tellError(error, note, (known) => failedResult(index, id, known));
      }
    }
  };
  await Promise.all(Array.from({ length: batchConcurrency }, worker));
  const { status, headers, body } = batchAnswer(results);
  sendWhole(exchange.response, status, headers, body);
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
  else sendWhole(response, 200, eventHeaders(reply), reply.data);
}

/** Beside a traceparent that is none, a tracestate belongs to no trace. */
function stateOf({ headers }: IncomingMessage): string | undefined {
  const { traceparent, tracestate } = headers;
  if (typeof traceparent !== 'string' || typeof tracestate !== 'string') return undefined;
  return traceContextOf({ traceparent, tracestate })?.tracestate;
}

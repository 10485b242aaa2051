import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { createServer as createHttp2Server, type ServerHttp2Stream } from 'node:http2';
import { buffer } from 'node:stream/consumers';
import type { ExecutionContext } from 'ava';
import { hexOf, messagesOf, numberOf, readMessage, textOf, type Message } from './protobuf.ts';

/** A span, as opentelemetry-proto's `trace.proto` numbers its fields. */
export interface CollectedSpan {
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId: string;
  readonly name: string;
  readonly kind: number;
  readonly attributes: Readonly<Record<string, unknown>>;
}

/** What was exported. */
export interface Collector {
  readonly url: string;
  readonly spans: CollectedSpan[];
  readonly metrics: string[];
  /** Attributes of each resource that exported something. */
  readonly resources: Readonly<Record<string, unknown>>[];
  /** Path and media type of each export. */
  readonly exports: string[];
}

/** Takes OTLP in protobuf as a collector does, over HTTP/1.1 or gRPC, on loopback. */
export async function startCollector(
  t: ExecutionContext,
  protocol: 'grpc' | 'http/protobuf',
): Promise<Collector> {
  const found = { spans: [], metrics: [], resources: [], exports: [] } satisfies Omit<
    Collector,
    'url'
  >;
  const collected: Omit<Collector, 'url'> = found;
  const take = (path: string, type: string, body: Uint8Array): void => {
    collected.exports.push(`${path} ${type}`);
    const request = readMessage(body);
    for (const group of messagesOf(request, 1)) {
      for (const resource of messagesOf(group, 1))
        collected.resources.push(attributesOf(resource, 1));
      const items = messagesOf(group, 2).flatMap((scope) => messagesOf(scope, 2));
      if (/metrics/i.test(path)) collected.metrics.push(...items.map((item) => textOf(item, 1)));
      else collected.spans.push(...items.map(spanOf));
    }
  };
  const server =
    protocol === 'grpc'
      ? createHttp2Server().on('stream', (stream, headers) => {
          const path = headers[':path'] ?? '';
          answerGrpc(stream, (body) => take(path, headers['content-type'] ?? '', body)).catch(() =>
            stream.close(),
          );
        })
      : createServer((request, response) => {
          answerHttp(request, response, (body) =>
            take(request.url ?? '', request.headers['content-type'] ?? '', body),
          );
        });
  const port = await new Promise<number>((resolve) => {
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      resolve(typeof address === 'object' ? (address?.port ?? 0) : 0);
    });
  });
  t.teardown(() => {
    server.close();
    if ('closeAllConnections' in server) server.closeAllConnections();
  });
  return { url: `http://127.0.0.1:${port}`, ...collected };
}

function answerHttp(
  request: IncomingMessage,
  response: ServerResponse,
  take: (body: Uint8Array) => void,
): void {
  buffer(request)
    .then(take)
    .then(
      () => response.setHeader('content-type', 'application/x-protobuf').end(),
      (error: unknown) => response.writeHead(400).end(String(error)),
    );
}

/** One message with the prefix of gRPC over HTTP/2: compressed or not, and its length. */
async function answerGrpc(
  stream: ServerHttp2Stream,
  take: (body: Uint8Array) => void,
): Promise<void> {
  const frame = await buffer(stream);
  if (frame[0] !== 0) throw new Error('compressed');
  if (frame.length !== frame.readUInt32BE(1) + 5) throw new Error('not one message');
  take(frame.subarray(5));
  const head = { ':status': 200, 'content-type': 'application/grpc' };
  stream.respond(head, { waitForTrailers: true });
  stream.once('wantTrailers', () => stream.sendTrailers({ 'grpc-status': '0' }));
  stream.end(Buffer.alloc(5));
}

function spanOf(span: Message): CollectedSpan {
  return {
    traceId: hexOf(span, 1),
    spanId: hexOf(span, 2),
    parentSpanId: hexOf(span, 4),
    name: textOf(span, 5),
    kind: numberOf(span, 6),
    attributes: attributesOf(span, 9),
  };
}

/** KeyValue: key, AnyValue of a text (1), a truth (2) or an integer (3). */
function attributesOf(message: Message, field: number): Readonly<Record<string, unknown>> {
  const found: Record<string, unknown> = {};
  for (const pair of messagesOf(message, field)) {
    const [value = new Map<number, never>()] = messagesOf(pair, 2);
    if (value.has(1)) found[textOf(pair, 1)] = textOf(value, 1);
    else if (value.has(2)) found[textOf(pair, 1)] = numberOf(value, 2) === 1;
    else found[textOf(pair, 1)] = numberOf(value, 3);
  }
  return found;
}

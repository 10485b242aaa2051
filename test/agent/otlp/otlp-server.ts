import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { createServer as createHttp2Server, type ServerHttp2Stream } from 'node:http2';
import type { Server } from 'node:net';
import { buffer } from 'node:stream/consumers';
import { gunzipSync } from 'node:zlib';
import type { ExecutionContext } from 'ava';
import { listenOnLoopback } from '../../functions/host/helpers.ts';
import { decodeSpans, type DecodedSpan } from '../../native/capture/otlp.ts';

/** An answer of a receiver of OTLP. */
export interface OtlpAnswer {
  /** Of HTTP, or of gRPC. Default: success. */
  readonly status?: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: Buffer;
}

/** A receiver that answers as a test says. */
export interface OtlpServer {
  readonly url: string;
  /** Header fields of each request. */
  readonly requests: Readonly<Record<string, unknown>>[];
  /** The spans of requests that succeeded. */
  readonly spans: DecodedSpan[];
  /** Answers of the next requests, in order; then success. */
  readonly answers: OtlpAnswer[];
}

const empty = Buffer.alloc(0);

/** Starts one on loopback; what it takes has to be compressed. */
export async function startOtlpServer(
  t: ExecutionContext,
  protocol: 'http' | 'grpc',
): Promise<OtlpServer> {
  const found: Omit<OtlpServer, 'url'> = { requests: [], spans: [], answers: [] };
  const take = (headers: object, message: Buffer): OtlpAnswer => {
    found.requests.push({ ...headers });
    const answer = found.answers.shift() ?? {};
    const good = protocol === 'http' ? 200 : 0;
    if ((answer.status ?? good) === good) found.spans.push(...decodeSpans(gunzipSync(message)));
    return answer;
  };
  const server = protocol === 'http' ? overHttp(take) : overGrpc(take);
  const listening: Server = server;
  const port = await listenOnLoopback(listening);
  t.teardown(() => {
    server.close();
    if ('closeAllConnections' in server) server.closeAllConnections();
  });
  return { url: `http://127.0.0.1:${port}`, ...found };
}

type Take = (headers: object, message: Buffer) => OtlpAnswer;

const overHttp = (take: Take) =>
  createServer((request, response) => {
    answerHttp(take, request, response).catch(() => response.destroy());
  });

async function answerHttp(
  take: Take,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const body = await buffer(request);
  const answer = take({ ...request.headers, path: request.url }, body);
  response.writeHead(answer.status ?? 200, answer.headers).end(answer.body ?? empty);
}

const overGrpc = (take: Take) =>
  createHttp2Server().on('stream', (stream, head) => {
    answerGrpc(take, stream, head).catch(() => stream.destroy());
  });

async function answerGrpc(take: Take, stream: ServerHttp2Stream, head: object): Promise<void> {
  const frame = await buffer(stream);
  const { status = 0, headers, body = empty } = take(head, frame.subarray(5));
  const prefix = Buffer.alloc(5);
  prefix.writeUInt32BE(body.length, 1);
  const trailers = { 'grpc-status': String(status), ...headers };
  const success = { ':status': 200, 'content-type': 'application/grpc' };
  stream.respond(success, { waitForTrailers: true });
  stream.once('wantTrailers', () => stream.sendTrailers(trailers));
  stream.end(Buffer.concat([prefix, body]));
}

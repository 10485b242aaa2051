import { connect, constants, type ClientHttp2Session, type IncomingHttpHeaders } from 'node:http2';
import type { Deliver, DeliveryOutcome } from '../delivery.ts';
import { retryDelayMs, takenBy } from './export-response.ts';

/** What {@link deliverOverGrpc} needs. */
export interface GrpcTarget {
  /** Base URL; https means TLS. */
  readonly endpoint: string;
  /** Of the method. */
  readonly path: string;
  /** PEM of who signs the receiver; undefined for those that Node knows. */
  readonly ca?: string | undefined;
  readonly headers: () => Promise<Readonly<Record<string, string>>>;
}

/** A receiver over gRPC. */
export interface GrpcDelivery {
  readonly deliver: Deliver;
  close(): void;
}

const timeoutMs = 10_000;
/** An answer is a few bytes. */
const answerLimit = 1024 * 1024;
const resourceExhausted = 8;
/** OTLP/gRPC, "Failures": CANCELLED, DEADLINE_EXCEEDED, ABORTED, OUT_OF_RANGE, UNAVAILABLE, DATA_LOSS. */
const retryable: ReadonlySet<number> = new Set([1, 4, 10, 11, 14, 15]);

/**
 * OTLP over gRPC by Node's own HTTP/2 (https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md): one method with
 * one message each way is all of gRPC that is needed. The connection is opened with the first batch, and again after it ended
 * or gave no answer in time.
 */
export function deliverOverGrpc({ endpoint, path, ca, headers }: GrpcTarget): GrpcDelivery {
  let session: ClientHttp2Session | undefined;

  const connected = (): ClientHttp2Session => {
    if (session !== undefined && !session.closed && !session.destroyed) return session;
    const opened = connect(endpoint, ca === undefined ? {} : { ca });
    // Each request is told of it, too.
    opened.on('error', () => undefined);
    opened.on('close', () => {
      if (session === opened) session = undefined;
    });
    opened.unref();
    session = opened;
    return opened;
  };

  const exchange = (
    body: Buffer,
    more: Readonly<Record<string, string>>,
    signal: AbortSignal,
  ): Promise<DeliveryOutcome> =>
    new Promise((resolve, reject) => {
      const used = connected();
      const stream = used.request(
        {
          ...more,
          [constants.HTTP2_HEADER_METHOD]: 'POST',
          [constants.HTTP2_HEADER_PATH]: path,
          'content-type': 'application/grpc+proto',
          te: 'trailers',
          'grpc-encoding': 'gzip',
          'grpc-timeout': `${timeoutMs}m`,
        },
        { signal },
      );
      const chunks: Buffer[] = [];
      let size = 0;
      let head: IncomingHttpHeaders = {};
      let trailers: IncomingHttpHeaders | undefined;
      const timer = setTimeout(() => {
        reject(new Error(`no answer within ${timeoutMs} ms`));
        // Nothing tells a slow receiver from a connection whose other end is gone: the next try is over another one.
        used.destroy();
      }, timeoutMs);
      stream.on('response', (found) => {
        head = found;
      });
      stream.on('trailers', (found: IncomingHttpHeaders) => {
        trailers = found;
      });
      stream.on('data', (chunk: Buffer) => {
        size += chunk.length;
        if (size > answerLimit) stream.destroy(new Error('the answer is too long'));
        else chunks.push(chunk);
      });
      stream.on('error', reject);
      stream.on('close', () => {
        clearTimeout(timer);
        // Without a message the status is in the head (Trailers-Only).
        resolve(outcomeOf(head, trailers ?? head, Buffer.concat(chunks, size)));
      });
      stream.end(framed(body));
    });

  return {
    deliver: async ({ body }, signal) => exchange(body, await headers(), signal),
    close: () => session?.destroy(),
  };
}

/** Length-Prefixed-Message, compressed. */
function framed(message: Buffer): Buffer {
  const prefix = Buffer.alloc(5);
  prefix[0] = 1;
  prefix.writeUInt32BE(message.length, 1);
  return Buffer.concat([prefix, message]);
}

function outcomeOf(
  head: IncomingHttpHeaders,
  trailers: IncomingHttpHeaders,
  body: Buffer,
): DeliveryOutcome {
  const code = textOf(trailers['grpc-status']);
  if (code === undefined) {
    // Something between that speaks no gRPC, or a connection that ended.
    const status = head[constants.HTTP2_HEADER_STATUS];
    return {
      kind: 'later',
      why: `no grpc-status (status ${String(status)})`,
      retryAfterMs: undefined,
    };
  }
  const status = Number(code);
  if (status === 0) return takenBy(body.subarray(5));
  const message = decodeMessage(textOf(trailers['grpc-message']) ?? '').slice(0, 500);
  const why = `grpc-status ${status} ${message}`;
  const details = textOf(trailers['grpc-status-details-bin']);
  const retryAfterMs =
    details === undefined ? undefined : retryDelayMs(Buffer.from(details, 'base64'));
  const again =
    retryable.has(status) || (status === resourceExhausted && retryAfterMs !== undefined);
  return again ? { kind: 'later', why, retryAfterMs } : { kind: 'never', why };
}

/** Percent-encoded; what is not is shown as it is. */
function decodeMessage(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

const textOf = (value: string | string[] | undefined): string | undefined =>
  typeof value === 'object' ? value[0] : value;

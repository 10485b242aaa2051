import type { Sink } from './streams.ts';

/** An answer whose body is a JSON value. */
export interface JsonReply {
  readonly kind: 'json';
  /** Default: 200. */
  readonly status?: 200 | 201;
  readonly body: unknown;
  /** What stands for this state of the answer. Default: a hash of the body. */
  readonly etag?: string;
  readonly headers?: Readonly<Record<string, string>>;
}

/** An answer without a body. */
export interface EmptyReply {
  readonly kind: 'empty';
  readonly status: 202 | 204;
}

/** An answer that goes on until one side ends it. */
export interface StreamReply {
  readonly kind: 'stream';
  readonly mediaType: string;
  /** Writes; whatever it throws before its first write is answered as an error. */
  readonly run: (sink: Sink) => Promise<void>;
}

/** How an operation answers. */
export type Reply = EmptyReply | JsonReply | StreamReply;

/** An answer with a JSON value. */
export function json(body: unknown, more: Omit<JsonReply, 'body' | 'kind'> = {}): JsonReply {
  return { kind: 'json', body, ...more };
}

/** An answer that says no more than that it is done. */
export const done: EmptyReply = { kind: 'empty', status: 204 };

import type { IncomingHttpHeaders } from 'node:http';
import type { z } from 'zod';
import { CloverError } from '../lib/errors.ts';
import { detailText } from '../lib/problem-words.ts';
import { fieldErrors } from '../resources/field-errors.ts';
import type { BodyContract, Operation } from './operation.ts';
import type { Reply } from './reply.ts';

/** A request whose parts have passed the operation's schemas. */
export interface Call<P, Q, B> {
  readonly params: P;
  readonly query: Q;
  /** Undefined when there is none. */
  readonly body: B | undefined;
  readonly headers: IncomingHttpHeaders;
}

/** A request as it came in. */
export interface RawCall {
  readonly params: unknown;
  readonly query: URLSearchParams;
  readonly headers: IncomingHttpHeaders;
  /** The JSON value of the body; undefined when there is none. */
  readonly body: (contract: BodyContract<z.ZodType>) => Promise<unknown>;
}

/** An operation with what carries it out. */
export interface Route {
  readonly operation: Operation;
  /** @throws CloverError. */
  run(call: RawCall): Promise<Reply>;
}

/** Ties a handler to an operation; it gets only what has passed the operation's schemas. */
export function route<P extends z.ZodType, Q extends z.ZodType, B extends z.ZodType>(
  operation: Operation<P, Q, B>,
  handler: (call: Call<z.output<P>, z.output<Q>, z.output<B>>) => Promise<Reply>,
): Route {
  return {
    operation,
    run: async ({ params, query, headers, body }) =>
      handler({
        params: checked(operation.params, params, 'path'),
        query: checked(operation.query, queryValues(query), 'query'),
        body: operation.body === undefined ? undefined : await takeBody(operation.body, body),
        headers,
      }),
  };
}

async function takeBody<B extends z.ZodType>(
  contract: BodyContract<B>,
  read: RawCall['body'],
): Promise<z.output<B> | undefined> {
  const value = await read(contract);
  return value === undefined ? undefined : checked(contract.schema, value, 'body');
}

/**
 * A part of a request by its schema.
 * @throws CloverError CLV_ARGUMENT_INVALID that names every bad field.
 */
function checked<S extends z.ZodType>(schema: S, value: unknown, part: string): z.output<S> {
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  const details = fieldErrors(schema, value, parsed.error.issues);
  const text = details.map(detailText).join('; ');
  throw new CloverError('CLV_ARGUMENT_INVALID', `invalid ${part}: ${text}`, {
    details: details.map(({ field, message }) => ({ field: field === '' ? part : field, message })),
  });
}

/** @throws CloverError CLV_ARGUMENT_INVALID for a parameter that is given more than once. */
function queryValues(query: URLSearchParams): Readonly<Record<string, string>> {
  const names = [...query.keys()];
  const details = [...new Set(names)]
    .filter((name) => query.getAll(name).length > 1)
    .map((field) => ({ field, message: 'is given more than once' }));
  if (details.length === 0) return Object.fromEntries(query);
  const text = details.map(({ field, message }) => `${field} ${message}`).join('; ');
  throw new CloverError('CLV_ARGUMENT_INVALID', `invalid query: ${text}`, { details });
}

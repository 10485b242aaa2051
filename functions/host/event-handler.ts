import type { CloudEvent } from '../lib/cloud-event.ts';
import { CloverError } from '../lib/errors.ts';
import type { Invocation } from './invocation.ts';

/**
 * The part of a Standard Schema (standardschema.dev, version 1) that the host uses; zod's schemas are such.
 */
export interface DataSchema<Data> {
  readonly '~standard': {
    readonly validate: (value: unknown) => SchemaResult<Data> | Promise<SchemaResult<Data>>;
  };
}

type SchemaResult<Data> =
  | { readonly value: Data; readonly issues?: undefined }
  | { readonly issues: readonly SchemaIssue[] };

interface SchemaIssue {
  readonly message: string;
  readonly path?: readonly (PropertyKey | { readonly key: PropertyKey })[] | undefined;
}

/** An event type with the schema of its data, which is JSON. */
export interface EventContract<Data> {
  readonly type: string;
  readonly schema: DataSchema<Data>;
}

/** An event whose data has passed the schema of its type. */
export type TypedEvent<Data> = Omit<CloudEvent, 'data'> & { readonly data: Data };

/** A handler of one event type; the type of its data is the handler's own business. */
export interface EventHandler {
  readonly type: string;
  /**
   * Decodes the data, and handles the event.
   * @returns the reply, if there is one.
   * @throws CloverError CLV_EVENT_INVALID with the path of every bad field.
   */
  handle(event: CloudEvent, invocation: Invocation): Promise<CloudEvent | undefined>;
}

/**
 * Ties a handler to an event type. The handler gets the data as the type's schema gives it; what it
 * returns is the reply, which becomes an event of its own.
 *
 * @example
 * on({ type: 'com.example.order.v1', schema: z.strictObject({ id: z.string() }) },
 *    async ({ data }, { log }) => log.info({ order: data.id }, 'order'));
 */
export function on<Data>(
  contract: EventContract<Data>,
  handler: (event: TypedEvent<Data>, invocation: Invocation) => Promise<CloudEvent | void>,
): EventHandler {
  return {
    type: contract.type,
    async handle(event, invocation) {
      const data = decode(contract, event);
      return (await handler({ ...event, data }, invocation)) ?? undefined;
    },
  };
}

/** Ties a handler to an event type whose data is bytes, which it gets as they came. */
export function onBytes(
  type: string,
  handler: (event: CloudEvent, invocation: Invocation) => Promise<CloudEvent | void>,
): EventHandler {
  return {
    type,
    handle: async (event, invocation) => (await handler(event, invocation)) ?? undefined,
  };
}

function decode<Data>({ type, schema }: EventContract<Data>, event: CloudEvent): Data {
  let value: unknown;
  try {
    value = JSON.parse(event.data.toString('utf8'));
  } catch (cause) {
    throw new CloverError('CLV_EVENT_INVALID', `${type}: data is not JSON`, {
      cause,
      details: [{ field: 'data', message: 'is not JSON in UTF-8' }],
    });
  }
  const result = schema['~standard'].validate(value);
  if (result instanceof Promise) throw new TypeError(`the schema of ${type} is asynchronous`);
  if (result.issues === undefined) return result.value;
  const details = result.issues.map(({ message, path = [] }) => ({
    field: ['data', ...path.map(keyText)].join('.'),
    message,
  }));
  const [first] = details;
  const text = `${type}: ${first?.field ?? 'data'}: ${first?.message ?? 'is invalid'}`;
  throw new CloverError('CLV_EVENT_INVALID', text, { details });
}

function keyText(key: PropertyKey | { readonly key: PropertyKey }): string {
  return String(typeof key === 'object' ? key.key : key);
}

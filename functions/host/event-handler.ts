import { isUtf8 } from 'node:buffer';
import type { z } from 'zod';
import type { CloudEvent } from '../lib/cloud-event.ts';
import { CloverError, type ErrorDetail } from '../lib/errors.ts';
import { fieldPath } from '../lib/field-path.ts';
import { isJsonType, parseMediaType } from '../lib/media-type.ts';
import { issueDetails } from '../lib/problem-words.ts';
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
   * @throws CloverError CLV_EVENT_DATA_INVALID with the path of every bad field, CLV_UNSUPPORTED_MEDIA_TYPE for data that
   *   says of itself that it is no JSON.
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
      const found = parse(contract.type, event);
      const validated = contract.schema['~standard'].validate(found);
      // A schema that looks something up is asynchronous; the others must not wait for a turn of the loop.
      const result = validated instanceof Promise ? await validated : validated;
      const data = dataOf(contract, found, result);
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

/** An answer names so many bad fields, whatever was sent. */
const mostDetails = 32;

function dataOf<Data>(
  { type }: EventContract<Data>,
  found: unknown,
  result: SchemaResult<Data>,
): Data {
  if (result.issues === undefined) return result.value;
  const { issues } = result;
  const told = issues.slice(0, mostDetails);
  const details = told.flatMap((issue) =>
    isZodIssue(issue) ? issueDetails(atData(issue), { data: found }) : [inItsWords(issue)],
  );
  const count = issues.reduce((sum, issue) => sum + fieldsOf(issue), 0);
  throw badData(type, details.slice(0, mostDetails), count - Math.min(details.length, mostDetails));
}

const isZodIssue = (issue: SchemaIssue): issue is z.core.$ZodIssue => 'code' in issue;

/** One issue may name every field of a document. */
function atData(issue: z.core.$ZodIssue): z.core.$ZodIssue {
  const path = ['data', ...issue.path];
  return issue.code === 'unrecognized_keys'
    ? { ...issue, path, keys: issue.keys.slice(0, mostDetails) }
    : { ...issue, path };
}

const inItsWords = ({ message, path = [] }: SchemaIssue): ErrorDetail => ({
  field: fieldPath(['data', ...path.map(keyOf)]),
  message,
});

/** Fields that an issue is about. */
const fieldsOf = (issue: SchemaIssue): number =>
  isZodIssue(issue) && issue.code === 'unrecognized_keys' ? issue.keys.length : 1;

/** Data without a content type is taken as JSON: who sends to a function knows what it takes. */
function parse(type: string, { data, datacontenttype }: CloudEvent): unknown {
  if (datacontenttype !== undefined && !isUtf8Json(datacontenttype)) {
    throw new CloverError('CLV_UNSUPPORTED_MEDIA_TYPE', `${type} has data in JSON`, {
      details: [
        {
          field: 'datacontenttype',
          message: `must be application/json in UTF-8, found ${JSON.stringify(datacontenttype.slice(0, 64))}`,
        },
      ],
    });
  }
  const message = 'is not JSON in UTF-8';
  // Else bytes that are none would become characters that nobody sent.
  if (!isUtf8(data)) throw badData(type, [{ field: 'data', message }]);
  try {
    return JSON.parse(data.toString('utf8'));
  } catch (cause) {
    const why = cause instanceof Error ? `: ${cause.message}` : '';
    throw badData(type, [{ field: 'data', message: `${message}${why}` }], 0, cause);
  }
}

function isUtf8Json(mediaType: string): boolean {
  if (mediaType === 'application/json') return true;
  const charset = parseMediaType(mediaType)?.parameters.get('charset') ?? 'utf-8';
  return isJsonType(mediaType) && /^(?:utf-8|us-ascii)$/i.test(charset);
}

function badData(
  type: string,
  details: readonly ErrorDetail[],
  more = 0,
  cause?: unknown,
): CloverError {
  const [first] = details;
  const count = more > 0 ? ` (${more} more)` : '';
  const text = `${type}: ${first?.field ?? 'data'}: ${first?.message ?? 'is invalid'}${count}`;
  return new CloverError('CLV_EVENT_DATA_INVALID', text, { cause, details });
}

function keyOf(key: PropertyKey | { readonly key: PropertyKey }): PropertyKey {
  return typeof key === 'object' ? key.key : key;
}

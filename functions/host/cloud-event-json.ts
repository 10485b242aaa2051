import { isUtf8 } from 'node:buffer';
import type { CloudEvent } from '../lib/cloud-event.ts';
import { CloverError } from '../lib/errors.ts';
import { JsonReader, type JsonRange } from '../lib/json-reader.ts';
import { isJsonType, parseMediaType } from '../lib/media-type.ts';
import { coreAttributes, eventFromAttributes, invalidEvent } from './cloud-event-attributes.ts';

/** Media type of one event in structured mode. */
export const structuredMediaType = 'application/cloudevents+json';
/** Media type of a list of events. */
export const batchMediaType = 'application/cloudevents-batch+json';

/** One item of a batch: an event, or why it is none. */
export type BatchItem =
  | { readonly event: CloudEvent; readonly error?: undefined }
  | {
      readonly error: CloverError;
      /** The id, as far as it can be told. */
      readonly id?: string;
    };

const maxBatchItems = 10_000;

/**
 * Reads an event from its JSON form (CloudEvents 1.0.2, JSON event format §3), in one pass: JSON data is passed on byte for
 * byte, so that its numbers stay what they are.
 * @throws CloverError CLV_EVENT_INVALID.
 */
export function decodeStructured(body: Buffer): CloudEvent {
  return reading(body, (reader) => {
    if (!reader.isObject()) throw new SyntaxError('an event is a JSON object');
    const members = membersOf(reader, body);
    reader.end();
    return eventOf(members, body);
  });
}

/**
 * Reads a batch (JSON event format §4). An item that is no event does not spoil the others; a body that is no JSON array
 * does.
 * @throws CloverError CLV_EVENT_INVALID; CLV_BODY_TOO_LARGE for more than 10 000 items.
 */
export function decodeBatch(body: Buffer): readonly BatchItem[] {
  return reading(body, (reader) => {
    if (!reader.isArray()) throw new SyntaxError('a batch is a JSON array');
    const items: BatchItem[] = [];
    reader.array((index) => {
      if (index === maxBatchItems) {
        const message = `a batch has at most ${maxBatchItems} events`;
        throw new CloverError('CLV_BODY_TOO_LARGE', message);
      }
      items.push(itemOf(reader, body, index));
    });
    reader.end();
    return items;
  });
}

function itemOf(reader: JsonReader, body: Buffer, index: number): BatchItem {
  if (!reader.isObject()) {
    reader.value();
    return { error: invalid(`[${index}]`, 'is not a JSON object') };
  }
  const members = membersOf(reader, body);
  try {
    return { event: eventOf(members, body) };
  } catch (cause) {
    if (!(cause instanceof CloverError)) throw cause;
    const details = cause.details.map(({ field, message }) => ({
      field: `[${index}].${field}`,
      message,
    }));
    const error = new CloverError(cause.code, cause.message, { cause, details });
    const range = members.ranges.get('id');
    const id = range === undefined ? undefined : valueOf(body, range);
    return typeof id === 'string' && id !== '' ? { error, id } : { error };
  }
}

function reading<T>(body: Buffer, read: (reader: JsonReader) => T): T {
  try {
    if (!isUtf8(body)) throw new SyntaxError('it is not UTF-8');
    return read(new JsonReader(body));
  } catch (cause) {
    if (!(cause instanceof SyntaxError)) throw cause;
    const message = `the body is not an event in JSON: ${cause.message}`;
    throw new CloverError('CLV_EVENT_INVALID', message, {
      cause,
      details: [{ field: 'body', message: cause.message }],
    });
  }
}

interface Members {
  readonly ranges: ReadonlyMap<string, JsonRange>;
  /** A name that came twice: which of the two would count is not for us to say. */
  readonly twice: string | undefined;
}

function membersOf(reader: JsonReader, body: Buffer): Members {
  const ranges = new Map<string, JsonRange>();
  let twice: string | undefined;
  reader.object((name) => {
    if (ranges.has(name)) twice ??= name;
    ranges.set(name, reader.value());
  });
  // §2.2: null means that the attribute is not set.
  for (const [name, { start, end }] of ranges) {
    if (name !== 'data' && body.toString('latin1', start, end) === 'null') ranges.delete(name);
  }
  return { ranges, twice };
}

function eventOf({ ranges, twice }: Members, body: Buffer): CloudEvent {
  if (twice !== undefined) throw invalid(twice, 'must not be given more than once');
  const attributes = new Map<string, string>();
  for (const [name, range] of ranges) {
    if (name === 'data' || name === 'data_base64') continue;
    attributes.set(name, attributeText(name, body, range));
  }
  const [data, base64] = [ranges.get('data'), ranges.get('data_base64')];
  if (data !== undefined && base64 !== undefined) {
    throw invalid('data_base64', 'must not be given together with data');
  }
  if (base64 !== undefined) {
    return eventFromAttributes(attributes, decodeBase64(valueOf(body, base64)));
  }
  if (data === undefined) return eventFromAttributes(attributes, Buffer.alloc(0));
  // §3.1: without a content type the data is JSON.
  const contentType = attributes.get('datacontenttype') ?? 'application/json';
  attributes.set('datacontenttype', contentType);
  if (isJsonType(contentType)) {
    return eventFromAttributes(attributes, body.subarray(data.start, data.end));
  }
  const text = valueOf(body, data);
  if (typeof text !== 'string') {
    throw invalid('data', `must be a string where datacontenttype is ${contentType}`);
  }
  const charset = parseMediaType(contentType)?.parameters.get('charset') ?? 'utf-8';
  if (!/^(?:utf-8|us-ascii)$/i.test(charset)) {
    throw invalid(
      'data',
      `is text, which becomes UTF-8: give data of charset ${charset} as data_base64`,
    );
  }
  // Half of a pair has no bytes in UTF-8, and another character must not stand in for it.
  if (!text.isWellFormed()) throw invalid('data', 'must not hold lone surrogates');
  return eventFromAttributes(attributes, Buffer.from(text));
}

function valueOf(body: Buffer, { start, end }: JsonRange): unknown {
  return JSON.parse(body.toString('utf8', start, end));
}

/** §2.2: the attributes of the specification are strings; extensions may be booleans and 32-bit integers. */
function attributeText(name: string, body: Buffer, range: JsonRange): string {
  const value = valueOf(body, range);
  if (typeof value === 'string') return value;
  if (coreAttributes.has(name)) throw invalid(name, 'must be a string');
  if (typeof value === 'boolean') return String(value);
  const text = body.toString('latin1', range.start, range.end);
  // A number that is left alone by this operator is a 32-bit integer; `1.0` and `1e3` are numbers of another kind.
  if (typeof value === 'number' && (value | 0) === value && /^-?\d+$/.test(text)) {
    return String(value | 0);
  }
  throw invalid(name, 'must be a string, a boolean or a 32-bit integer');
}

function decodeBase64(value: unknown): Buffer {
  const data = typeof value === 'string' ? Buffer.from(value, 'base64') : undefined;
  // Buffer.from skips what is not base64, so only the way back proves the text.
  if (data === undefined || data.toString('base64') !== value) {
    throw invalid('data_base64', 'must be a base64 string (RFC 4648 §4)');
  }
  return data;
}

function invalid(field: string, message: string): CloverError {
  return invalidEvent([{ field, message }]);
}

import { isUtf8 } from 'node:buffer';
import type { CloudEvent } from '../lib/cloud-event.ts';
import { CloverError } from '../lib/errors.ts';
import { JsonReader, type JsonRange } from '../lib/json-reader.ts';
import { isJsonType } from '../lib/media-type.ts';
import { eventFromAttributes } from './cloud-event-attributes.ts';

/** Media type of one event in structured mode. */
export const structuredMediaType = 'application/cloudevents+json';
/** Media type of a list of events. */
export const batchMediaType = 'application/cloudevents-batch+json';

/** One item of a batch: an event, or why it is none. */
export type BatchItem =
  | { readonly event: CloudEvent; readonly error?: undefined }
  | { readonly error: CloverError };

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
 * @throws CloverError CLV_EVENT_INVALID.
 */
export function decodeBatch(body: Buffer): readonly BatchItem[] {
  return reading(body, (reader) => {
    if (!reader.isArray()) throw new SyntaxError('a batch is a JSON array');
    const items: BatchItem[] = [];
    reader.array((index) => {
      if (index === maxBatchItems) {
        throw invalid('', `must have at most ${maxBatchItems} events`);
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
    return { error: new CloverError(cause.code, cause.message, { cause, details }) };
  }
}

function reading<T>(body: Buffer, read: (reader: JsonReader) => T): T {
  try {
    if (!isUtf8(body)) throw new SyntaxError('it is not UTF-8');
    return read(new JsonReader(body));
  } catch (cause) {
    if (!(cause instanceof SyntaxError)) throw cause;
    const message = `the body is not an event in JSON: ${cause.message}`;
    throw new CloverError('CLV_EVENT_INVALID', message, { cause });
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
    const range = reader.value();
    // §2.2: null means that the attribute is not set.
    if (body.toString('latin1', range.start, range.end) !== 'null' || name === 'data') {
      ranges.set(name, range);
    }
  });
  return { ranges, twice };
}

function eventOf({ ranges, twice }: Members, body: Buffer): CloudEvent {
  if (twice !== undefined) throw invalid(twice, 'must not be given more than once');
  const attributes = new Map<string, string>();
  for (const [name, range] of ranges) {
    if (name === 'data' || name === 'data_base64') continue;
    attributes.set(name, attributeText(name, valueOf(body, range)));
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
  if (typeof text === 'string') return eventFromAttributes(attributes, Buffer.from(text));
  throw invalid('data', `must be a string where datacontenttype is ${contentType}`);
}

function valueOf(body: Buffer, { start, end }: JsonRange): unknown {
  return JSON.parse(body.toString('utf8', start, end));
}

function attributeText(name: string, value: unknown): string {
  if (typeof value === 'string') return value;
  if (typeof value === 'boolean') return String(value);
  // A number that is left alone by this operator is a 32-bit integer (§3.1 of the specification).
  if (typeof value === 'number' && (value | 0) === value) return String(value);
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
  return new CloverError('CLV_EVENT_INVALID', 'the body is not a valid CloudEvent 1.0', {
    details: [{ field, message }],
  });
}

import type { CloudEvent } from '../../lib/cloud-event.ts';
import { CloverError } from '../../lib/errors.ts';
import { isRecord } from '../../lib/plain-value.ts';
import type { Attributes } from '../cloud-event-attributes.ts';

/** An event as it is stored and as it crosses threads: the database's side never looks inside. */
export interface Envelope {
  /** JSON object of every attribute, the broker's own included. */
  readonly header: string;
  readonly data: Uint8Array;
}

/** What Knative calls the hops that an event has left; handlers and filters never see it. */
const ttlAttribute = 'knativebrokerttl';
/** Hops of an event that comes from outside, as Knative's ingress sets it. */
const firstTtl = 255;
/** Knative keeps as much of an error's body. */
const errorDataBytes = 1_024;

/** `POST /broker` reads no larger body; attributes have a bound of their own. */
const mostBytes = 256 * 1024;

/**
 * Seals an event whose attributes were checked.
 * @throws CloverError CLV_BODY_TOO_LARGE for more than 256 KiB of data.
 */
export function seal(attributes: Attributes, data: Buffer, ttl: number): Envelope {
  if (data.length > mostBytes) {
    const message = `found ${data.length} bytes; the broker takes at most ${mostBytes}`;
    throw new CloverError('CLV_BODY_TOO_LARGE', `data: ${message}`, {
      details: [{ field: 'data', message }],
    });
  }
  const all = Object.fromEntries(attributes);
  all[ttlAttribute] = String(ttl);
  // A copy: structured clone would take the whole pool that a small Buffer lies in.
  return { header: JSON.stringify(all), data: new Uint8Array(data) };
}

/**
 * The event and the hops that it has left. Attributes were checked when it was sealed, and are not again:
 * what was taken under older rules is delivered.
 * @throws CloverError CLV_EVENT_INVALID when the header cannot be read.
 */
export function unseal({ header, data }: Envelope): {
  readonly event: CloudEvent;
  readonly ttl: number;
} {
  const {
    specversion: _,
    id = '',
    source = '',
    type = '',
    subject,
    time,
    datacontenttype,
    dataschema,
    [ttlAttribute]: ttl,
    ...extensions
  } = attributesIn(header);
  const event: CloudEvent = {
    specversion: '1.0',
    id,
    source,
    type,
    ...(subject === undefined ? {} : { subject }),
    ...(time === undefined ? {} : { time }),
    ...(datacontenttype === undefined ? {} : { datacontenttype }),
    ...(dataschema === undefined ? {} : { dataschema }),
    extensions,
    data: Buffer.from(data.buffer, data.byteOffset, data.byteLength),
  };
  return { event, ttl: hops(ttl) };
}

/** Hops that an event has left once the broker took it: one fewer than it came with, from 0. */
export function ttlOnArrival(event: CloudEvent): number {
  const given = event.extensions[ttlAttribute];
  return given === undefined ? firstTtl : Math.max(hops(given) - 1, 0);
}

/** The attributes that filters and handlers see. */
export function withoutTtl(attributes: Attributes): Attributes {
  if (!attributes.has(ttlAttribute)) return attributes;
  return new Map([...attributes].filter(([name]) => name !== ttlAttribute));
}

/** @throws CloverError CLV_EVENT_INVALID for what is no header of ours: the file was damaged, or written by others. */
function attributesIn(header: string): Record<string, string> {
  try {
    const attributes: unknown = JSON.parse(header);
    if (!isAttributes(attributes)) throw new TypeError('found no object of strings');
    return attributes;
  } catch (cause) {
    throw new CloverError('CLV_EVENT_INVALID', 'the stored attributes cannot be read', { cause });
  }
}

/** Not by a schema: it is asked for every delivery, and a schema's answer is a copy. */
function isAttributes(value: unknown): value is Record<string, string> {
  return isRecord(value) && Object.values(value).every((item) => typeof item === 'string');
}

/**
 * Attributes for a dead letter whose own cannot be read. What stood there is the reason that the letter has.
 */
const unreadable: Readonly<Record<string, string>> = {
  specversion: '1.0',
  id: 'unreadable',
  source: '/broker',
  type: 'dev.clover.broker.unreadable.v1',
};

/** An event that failed for good, and its error beside it: what the event came with stays as it is. */
export interface FailedHeader {
  readonly header: string;
  /** JSON object of what Knative says of the error on the way to a dead-letter sink. */
  readonly error: string;
}

/** The header that a dead letter keeps, and its error. */
export function failedHeader(
  header: string,
  error: { readonly destination: string; readonly status: number; readonly message: string },
): FailedHeader {
  let kept = header;
  let { message } = error;
  try {
    attributesIn(header);
  } catch {
    kept = JSON.stringify(unreadable);
    message = `${message}: ${header}`;
  }
  const attributes = {
    knativeerrordest: error.destination,
    knativeerrorcode: String(error.status),
    knativeerrordata: Buffer.from(message).subarray(0, errorDataBytes).toString('base64'),
  };
  return { header: kept, error: JSON.stringify(attributes) };
}

/**
 * The header as a dead letter shows it. Attributes of the error hide those that the event came with under the same names.
 * @throws CloverError CLV_EVENT_INVALID when one of the two cannot be read.
 */
export function withError({ header, error }: FailedHeader): string {
  return JSON.stringify({ ...attributesIn(header), ...attributesIn(error) });
}

/** Knative takes a value that is no number as if there were none. */
function hops(text: string | undefined): number {
  return text !== undefined && /^-?\d{1,9}$/.test(text) ? Number(text) : firstTtl;
}

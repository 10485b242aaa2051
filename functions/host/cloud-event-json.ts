import { z } from 'zod';
import type { CloudEvent } from '../lib/cloud-event.ts';
import { CloverError } from '../lib/errors.ts';
import { eventFromAttributes } from './cloud-event-attributes.ts';

/** Media type of one event in structured mode. */
export const structuredMediaType = 'application/cloudevents+json';

const members = z.record(z.string(), z.unknown());

/**
 * Reads an event from its JSON form (CloudEvents 1.0.2, JSON event format §3).
 * @throws CloverError CLV_EVENT_INVALID.
 */
export function decodeStructured(body: Buffer): CloudEvent {
  const { data, data_base64: base64, ...rest } = parse(body);
  const attributes = new Map<string, string>();
  for (const [name, value] of Object.entries(rest)) {
    // §2.2: null means that the attribute is not set.
    if (value === null) continue;
    attributes.set(name, attributeText(name, value));
  }
  if (data !== undefined && base64 !== undefined) {
    throw invalid('data_base64', 'must not be given together with data');
  }
  if (base64 !== undefined) return eventFromAttributes(attributes, decodeBase64(base64));
  if (data === undefined) return eventFromAttributes(attributes, Buffer.alloc(0));
  // §3.1: without a content type the data is JSON.
  const contentType = attributes.get('datacontenttype') ?? 'application/json';
  attributes.set('datacontenttype', contentType);
  if (isJson(contentType))
    return eventFromAttributes(attributes, Buffer.from(JSON.stringify(data)));
  if (typeof data === 'string') return eventFromAttributes(attributes, Buffer.from(data));
  throw invalid('data', `must be a string where datacontenttype is ${contentType}`);
}

function parse(body: Buffer): Record<string, unknown> {
  try {
    const text = new TextDecoder('utf-8', { fatal: true }).decode(body);
    return members.parse(JSON.parse(text));
  } catch (cause) {
    throw new CloverError('CLV_EVENT_INVALID', 'the body is not a JSON object in UTF-8', { cause });
  }
}

function attributeText(name: string, value: unknown): string {
  if (typeof value === 'string') return value;
  if (typeof value === 'boolean') return String(value);
  // A number that is left alone by this operator is a 32-bit integer (§3.1 of the specification).
  if (typeof value === 'number' && (value | 0) === value) {
    return String(value);
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

function isJson(contentType: string): boolean {
  return /^[^;]*[/+]json[ \t]*(?:;|$)/i.test(contentType);
}

function invalid(field: string, message: string): CloverError {
  return new CloverError('CLV_EVENT_INVALID', 'the body is not a valid CloudEvent 1.0', {
    details: [{ field, message }],
  });
}

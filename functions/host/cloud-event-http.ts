import type { CloudEvent } from '../lib/cloud-event.ts';
import { CloverError } from '../lib/errors.ts';
import { parseMediaType } from '../lib/media-type.ts';
import { cut, eventFromAttributes, invalidEvent } from './cloud-event-attributes.ts';
import {
  batchMediaType,
  decodeBatch,
  decodeStructured,
  structuredMediaType,
  type BatchItem,
} from './cloud-event-json.ts';

/** Header fields by lower-case name, every occurrence apart, as `IncomingMessage.headersDistinct` has them. */
export type DistinctHeaders = Readonly<Record<string, readonly string[] | undefined>>;

const prefix = 'ce-';

/** What an HTTP message carries. */
export type HttpMessage =
  | { readonly event: CloudEvent; readonly batch?: undefined }
  | { readonly batch: readonly BatchItem[]; readonly event?: undefined };

/**
 * Reads what an HTTP message carries: an event in binary mode or in structured mode in JSON, or a batch in JSON
 * (CloudEvents 1.0.2, HTTP binding §3). The content type decides, whatever its parameters.
 * @throws CloverError CLV_EVENT_INVALID, or CLV_UNSUPPORTED_MEDIA_TYPE for other formats and charsets.
 */
export function decodeHttpMessage(headers: DistinctHeaders, body: Buffer): HttpMessage {
  const [contentType, ...others] = headers['content-type'] ?? [];
  // Two of them are two modes, and which counts is not for us to say.
  if (others.length > 0) throw invalid('content-type', 'must not be sent more than once');
  if (!/^application\/cloudevents/i.test(contentType ?? '')) {
    return { event: decodeBinary(headers, contentType, body) };
  }
  const { essence, parameters } = parseMediaType(contentType ?? '') ?? unknownMode(contentType);
  const charset = parameters.get('charset') ?? 'utf-8';
  if (charset.toLowerCase() !== 'utf-8') {
    throw unsupported(`charset ${cut(charset)} is not known: JSON is UTF-8 (RFC 8259 §8.1)`);
  }
  if (essence === structuredMediaType) return { event: decodeStructured(body) };
  if (essence === batchMediaType) return { batch: decodeBatch(body) };
  return unknownMode(contentType);
}

function unknownMode(contentType = ''): never {
  throw unsupported(
    `${cut(contentType)} is not taken here: send events in binary mode (ce-* headers), in ${structuredMediaType} or in ${batchMediaType}`,
  );
}

function unsupported(message: string): CloverError {
  const details = [{ field: 'content-type', message }];
  return new CloverError('CLV_UNSUPPORTED_MEDIA_TYPE', message, { details });
}

function decodeBinary(
  headers: DistinctHeaders,
  contentType: string | undefined,
  body: Buffer,
): CloudEvent {
  const attributes = new Map<string, string>();
  for (const [header, values] of Object.entries(headers)) {
    if (!header.startsWith(prefix) || values === undefined) continue;
    attributes.set(header.slice(prefix.length), decodeHeader(header, values));
  }
  // §3.1.1: the content type has a header of its own, so a second place for it is ambiguous.
  if (attributes.has('datacontenttype')) {
    throw invalid('ce-datacontenttype', 'is not a header of binary mode: use Content-Type');
  }
  if (contentType !== undefined) attributes.set('datacontenttype', contentType);
  return eventFromAttributes(attributes, body);
}

function decodeHeader(header: string, values: readonly string[]): string {
  const [value = ''] = values;
  if (values.length > 1) throw invalid(header, 'must not be sent more than once');
  if (/[^\t\x20-\x7e]/.test(value)) {
    throw invalid(header, 'must be ASCII: percent-encode other characters as UTF-8');
  }
  // Most values are what they are.
  if (!/["%]/.test(value)) return value;
  try {
    return decodeURIComponent(unquote(value));
  } catch (cause) {
    throw invalid(header, 'has a percent-encoding that is not UTF-8', cause);
  }
}

/**
 * Opens quoted strings (RFC 9110 §5.6.4), which older senders wrote; a quote without its pair stands for itself. In one
 * pass: an expression that looks for the pair of each quote takes the square of the length.
 */
function unquote(value: string): string {
  let text = '';
  /** Where the open quote stands in `value`, and what it holds so far. */
  let quote: { readonly at: number; inner: string } | undefined;
  for (let at = 0; at < value.length; at += 1) {
    const character = value[at] ?? '';
    if (quote === undefined) {
      if (character === '"') quote = { at, inner: '' };
      else text += character;
    } else if (character === '"') {
      text += quote.inner;
      quote = undefined;
    } else {
      if (character === '\\') at += 1;
      quote.inner += value[at] ?? '';
    }
  }
  return quote === undefined ? text : text + value.slice(quote.at);
}

function invalid(field: string, message: string, cause?: unknown): CloverError {
  return invalidEvent([{ field, message }], cause);
}

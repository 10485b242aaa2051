import type { CloudEvent } from '../lib/cloud-event.ts';
import { CloverError } from '../lib/errors.ts';
import { eventFromAttributes } from './cloud-event-attributes.ts';
import { decodeStructured, structuredMediaType } from './cloud-event-json.ts';

/** Header fields by lower-case name, every occurrence apart, as `IncomingMessage.headersDistinct` has them. */
export type DistinctHeaders = Readonly<Record<string, readonly string[] | undefined>>;

const prefix = 'ce-';

/**
 * Reads an event from an HTTP message: binary mode, or structured mode in JSON
 * (CloudEvents 1.0.2, HTTP binding §3).
 * @throws CloverError CLV_EVENT_INVALID, or CLV_UNSUPPORTED_MEDIA_TYPE for batches and other formats.
 */
export function decodeHttpEvent(headers: DistinctHeaders, body: Buffer): CloudEvent {
  const [contentType, ...others] = headers['content-type'] ?? [];
  // Two of them are two modes, and which counts is not for us to say.
  if (others.length > 0) throw invalid('content-type', 'must not be sent more than once');
  const mode = contentType?.split(';', 1)[0]?.trim().toLowerCase() ?? '';
  if (mode === structuredMediaType) return decodeStructured(body);
  if (mode.startsWith('application/cloudevents')) {
    throw new CloverError(
      'CLV_UNSUPPORTED_MEDIA_TYPE',
      `${mode} is not taken here: send one event in binary mode (ce-* headers), or in ${structuredMediaType}`,
    );
  }
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
  const unquoted = value.replaceAll(/"((?:[^"\\]|\\.)*)"/g, (_whole, inner: string) =>
    inner.replaceAll(/\\(.)/g, '$1'),
  );
  try {
    return decodeURIComponent(unquoted);
  } catch (cause) {
    throw invalid(header, 'has a percent-encoding that is not UTF-8', cause);
  }
}

function invalid(field: string, message: string, cause?: unknown): CloverError {
  return new CloverError('CLV_EVENT_INVALID', 'the request is not a valid CloudEvent 1.0', {
    cause,
    details: [{ field, message }],
  });
}

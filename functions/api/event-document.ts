import type { CloudEvent } from '../lib/cloud-event.ts';
import type { EventDocument } from './schemas/broker.ts';

/**
 * The JSON form of an event (CloudEvents 1.0.2, JSON event format §3): JSON data as a value, text as a string, and
 * whatever is neither in base64.
 */
export function eventDocumentOf({ extensions, data, ...attributes }: CloudEvent): EventDocument {
  return { ...extensions, ...attributes, ...dataMember(attributes.datacontenttype, data) };
}

function dataMember(
  contentType: string | undefined,
  data: Buffer,
): Pick<EventDocument, 'data' | 'data_base64'> {
  if (data.length === 0) return {};
  const base64 = { data_base64: data.toString('base64') };
  const type = contentType ?? 'application/json';
  if (!/^(?:text\/|[^;]*[/+]json[ \t]*(?:;|$))/i.test(type)) return base64;
  try {
    const text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(data);
    if (type.startsWith('text/')) return { data: text };
    const value: unknown = JSON.parse(text);
    return { data: value };
  } catch {
    // Data that is not what its type says still has to be shown as it is.
    return base64;
  }
}

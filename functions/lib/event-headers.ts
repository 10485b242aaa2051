import type { CloudEvent } from './cloud-event.ts';

/** HTTP headers of an event in binary content mode (CloudEvents HTTP binding 1.0.2 §3.1). */
export function eventHeaders(event: Omit<CloudEvent, 'data'>): Record<string, string> {
  const { specversion, id, source, type, subject, time, dataschema, datacontenttype } = event;
  const core = { specversion, id, source, type, subject, time, dataschema };
  const headers: Record<string, string> = {};
  if (datacontenttype !== undefined) headers['content-type'] = datacontenttype;
  for (const [name, value] of Object.entries({ ...core, ...event.extensions })) {
    if (value !== undefined) headers[`ce-${name}`] = encodeHeaderValue(value);
  }
  return headers;
}

/** Percent-encodes what the binding's §3.1.3.2 asks for: space, `"`, `%`, and all outside U+0021–U+007E. */
function encodeHeaderValue(value: string): string {
  return value.replaceAll(/[^\x21\x23\x24\x26-\x7e]+/gu, (run) =>
    [...Buffer.from(run.toWellFormed(), 'utf8')]
      .map((byte) => `%${byte.toString(16).toUpperCase().padStart(2, '0')}`)
      .join(''),
  );
}

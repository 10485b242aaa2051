import { attributesOf } from '../../../functions/host/cloud-event-attributes.ts';
import type { CloudEvent } from '../../../functions/lib/cloud-event.ts';
import type { Field } from './raw-request.ts';

/** A message of HTTP. */
export interface Message {
  readonly fields: readonly Field[];
  readonly body: Buffer;
}

/** The event as one that the function of a hostile host sends on. */
export function trip(event: CloudEvent): CloudEvent {
  return { ...event, type: 'trip' };
}

/** Binary mode by the language's own encoder, which encodes more than it has to: receivers have to take that. */
export function binaryMessage(event: CloudEvent): Message {
  const fields = [...attributesOf(event)].map(([name, value]): Field =>
    name === 'datacontenttype'
      ? ['content-type', value]
      : [`ce-${name}`, encodeURIComponent(value)],
  );
  return { fields, body: event.data };
}

/** Structured mode. */
export function structuredMessage(event: CloudEvent): Message {
  return {
    fields: [['content-type', 'application/cloudevents+json; charset=utf-8']],
    body: Buffer.from(JSON.stringify(documentOf(event))),
  };
}

/** A batch. */
export function batchMessage(events: readonly CloudEvent[]): Message {
  return {
    fields: [['content-type', 'application/cloudevents-batch+json']],
    body: Buffer.from(JSON.stringify(events.map(documentOf))),
  };
}

/** The JSON form. Any data may go as base64, whatever its type. */
export function documentOf(event: CloudEvent): Readonly<Record<string, unknown>> {
  const attributes = Object.fromEntries(attributesOf(event));
  const { data } = event;
  return data.length === 0 ? attributes : { ...attributes, data_base64: data.toString('base64') };
}

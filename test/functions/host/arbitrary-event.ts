import fc from 'fast-check';
import type { CloudEvent } from '../../../functions/lib/cloud-event.ts';
import { coreAttributes } from '../../../functions/host/cloud-event-attributes.ts';

/** A text that an attribute may be: CloudEvents 1.0.2 §3.1, type String. */
const text = fc
  .string({ unit: 'binary', minLength: 1, maxLength: 40 })
  .filter((value) => !/[\p{Cc}\p{Noncharacter_Code_Point}]/u.test(value));

/** The name of an extension. */
const extensionName = fc
  .stringMatching(/^[a-z0-9]{1,20}$/)
  .filter((name) => !coreAttributes.has(name) && name !== 'data');

/** Any valid event. */
export const arbitraryEvent: fc.Arbitrary<CloudEvent> = fc.record(
  {
    specversion: fc.constant('1.0' as const),
    id: text,
    source: fc.oneof(fc.webPath(), fc.webUrl()).filter((uri) => uri !== ''),
    type: text,
    subject: text,
    time: fc
      .date({ min: new Date(0), max: new Date('9999-12-31'), noInvalidDate: true })
      .map((at) => at.toISOString()),
    datacontenttype: fc.constantFrom(
      'application/json',
      'text/plain; charset=utf-8',
      'application/octet-stream',
    ),
    dataschema: fc.webUrl(),
    extensions: fc.dictionary(extensionName, text, { maxKeys: 4, noNullPrototype: true }),
    data: fc.uint8Array({ maxLength: 64 }).map((bytes) => Buffer.from(bytes)),
  },
  {
    requiredKeys: ['specversion', 'id', 'source', 'type', 'extensions', 'data'],
    noNullPrototype: true,
  },
);

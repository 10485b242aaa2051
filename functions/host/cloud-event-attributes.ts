import type { CloudEvent } from '../lib/cloud-event.ts';
import { CloverError, type ErrorDetail } from '../lib/errors.ts';
import { isMediaType } from '../lib/media-type.ts';
import { isRfc3339 } from '../lib/rfc3339.ts';
import { isUri, isUriReference } from '../lib/uri.ts';

/** Attributes of an event by name, all in their string form. */
export type Attributes = ReadonlyMap<string, string>;

/** The attributes that the specification defines itself; every other one is an extension. */
export const coreAttributes: ReadonlySet<string> = new Set([
  'specversion',
  'id',
  'source',
  'type',
  'subject',
  'time',
  'datacontenttype',
  'dataschema',
]);

type OptionalAttribute = 'subject' | 'time' | 'datacontenttype' | 'dataschema';

function isOptional(name: string): name is OptionalAttribute {
  return (
    name === 'datacontenttype' || name === 'time' || name === 'subject' || name === 'dataschema'
  );
}

/**
 * Most bytes of an event's attributes together, names and values in UTF-8: what the head of a request can carry in binary
 * mode, whatever mode the event came in.
 */
export const maxAttributeBytes = 16 * 1024;

/** An answer names so many problems, and so much of a text, whatever was sent. */
const most = { problems: 32, characters: 64 };

/**
 * The event that has these attributes (CloudEvents 1.0.2 §2 and §3).
 * @throws CloverError CLV_EVENT_INVALID with every bad attribute, or with the largest where they are too large together.
 */
export function eventFromAttributes(attributes: Attributes, data: Buffer): CloudEvent {
  refuseOversize(attributes);
  const details = missing(attributes);
  const optional: { -readonly [Name in OptionalAttribute]?: string } = {};
  const extensions: Record<string, string> = {};
  for (const [name, value] of attributes) {
    const message = problem(name, value);
    if (message !== undefined) details.push({ field: name, message });
    else if (isOptional(name)) optional[name] = value;
    else if (!coreAttributes.has(name)) extensions[name] = value;
  }
  if (details.length > 0) throw invalidEvent(details);
  return {
    specversion: '1.0',
    id: attributes.get('id') ?? '',
    source: attributes.get('source') ?? '',
    type: attributes.get('type') ?? '',
    ...optional,
    extensions,
    data,
  };
}

/**
 * Every attribute of an event, the required ones first.
 * @throws CloverError CLV_EVENT_INVALID when an attribute is not allowed by the specification, or all are too large together.
 */
export function attributesOf(event: CloudEvent): Attributes {
  const { specversion, id, source, type, subject, time, datacontenttype, dataschema } = event;
  const core = { specversion, id, source, type, subject, time, datacontenttype, dataschema };
  const attributes = new Map<string, string>();
  for (const [name, value] of Object.entries(core)) {
    if (value !== undefined) attributes.set(name, value);
  }
  const details = Object.keys(event.extensions)
    .filter((name) => coreAttributes.has(name))
    .map((name) => ({ field: name, message: 'is no extension: the name is taken' }));
  for (const [name, value] of Object.entries(event.extensions)) attributes.set(name, value);
  refuseOversize(attributes);
  for (const [name, value] of attributes) {
    const message = problem(name, value);
    if (message !== undefined) details.push({ field: name, message });
  }
  if (details.length > 0) throw invalidEvent(details);
  return attributes;
}

/** The error of what is no CloudEvent 1.0, with the first problems and how many more there are. */
export function invalidEvent(details: readonly ErrorDetail[], cause?: unknown): CloverError {
  const told = details
    .slice(0, most.problems)
    .map(({ field, message }) => ({ field: cut(field), message }));
  const more = details.length - told.length;
  const message = 'this is not a valid CloudEvent 1.0';
  return new CloverError('CLV_EVENT_INVALID', more > 0 ? `${message} (${more} more)` : message, {
    cause,
    details: told,
  });
}

/** The beginning of a text of a stranger: 64 characters. */
export function cut(text: string): string {
  return text.length > most.characters ? `${text.slice(0, most.characters)}…` : text;
}

const required = ['specversion', 'id', 'source', 'type'] as const;

function missing(attributes: Attributes): ErrorDetail[] {
  return required
    .filter((name) => !attributes.has(name))
    .map((name) => ({ field: name, message: 'is required' }));
}

/** Before any value is looked at: what is checked, logged, filtered and kept afterwards has a bound. */
function refuseOversize(attributes: Attributes): void {
  let units = 0;
  for (const [name, value] of attributes) units += name.length + value.length;
  // One of them is at most three bytes of UTF-8: of nearly every event the bytes need not be counted.
  if (units * 3 <= maxAttributeBytes) return;
  const sizes = Array.from(attributes, ([name, value]) => ({
    name,
    bytes: Buffer.byteLength(name) + Buffer.byteLength(value),
  }));
  const bytes = sizes.reduce((sum, size) => sum + size.bytes, 0);
  if (bytes <= maxAttributeBytes) return;
  const largest = sizes.reduce((one, other) => (other.bytes > one.bytes ? other : one));
  const message = `is the largest of attributes that have ${bytes} bytes together, names and values; at most ${maxAttributeBytes} are allowed`;
  throw invalidEvent([{ field: largest.name, message }]);
}

function problem(name: string, value: string): string | undefined {
  return badName(name) ?? badText(value) ?? badValue(name, value);
}

function badName(name: string): string | undefined {
  if (name === 'data') return 'is not an attribute name: the body is the data';
  return name !== '' && hasOnly(name, isNameUnit)
    ? undefined
    : 'is not an attribute name: only lower-case letters and digits are allowed';
}

// Not by regular expressions: V8 compiles those that are used again, and a cold start would pay for that.
function hasOnly(text: string, isOne: (unit: number) => boolean): boolean {
  for (let at = 0; at < text.length; at += 1) if (!isOne(text.charCodeAt(at))) return false;
  return true;
}

/** What nearly every value is, and is told faster than by Unicode's properties. */
const isPrintable = (unit: number): boolean => unit >= 0x20 && unit <= 0x7e;
const isNameUnit = (unit: number): boolean =>
  (unit >= 0x61 && unit <= 0x7a) || (unit >= 0x30 && unit <= 0x39);

/** CloudEvents 1.0.2 §3.1, type String. */
function badText(value: string): string | undefined {
  if (hasOnly(value, isPrintable)) return undefined;
  return value.isWellFormed() && !/[\p{Cc}\p{Noncharacter_Code_Point}]/u.test(value)
    ? undefined
    : 'must not hold control characters, noncharacters or lone surrogates';
}

function badValue(name: string, value: string): string | undefined {
  switch (name) {
    case 'specversion':
      return value === '1.0' ? undefined : `must be "1.0", found ${JSON.stringify(cut(value))}`;
    case 'id':
    case 'type':
    case 'subject':
      return value === '' ? 'must not be empty' : undefined;
    case 'source':
      return value !== '' && isUriReference(value)
        ? undefined
        : 'must be a non-empty URI reference (RFC 3986)';
    case 'dataschema':
      return isUri(value) ? undefined : 'must be an absolute URI (RFC 3986)';
    case 'time':
      return isRfc3339(value)
        ? undefined
        : `must be an RFC 3339 date-time, found ${JSON.stringify(cut(value))}`;
    case 'datacontenttype':
      return isMediaType(value) ? undefined : 'must be a media type (RFC 2046)';
    default:
      return undefined;
  }
}

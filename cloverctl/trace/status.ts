import type { Attributes } from './otlp-spans.ts';
import type { Protocol } from './protocol.ts';

/** Where the semantic conventions put the code that a protocol answers with; the first that is there. */
const places = [
  'rpc.response.status_code',
  'rpc.status_code',
  'sip.response.status_code',
  'dns.response_code',
  'db.response.status_code',
  'clover.kafka.error_code',
  'http.response.status_code',
] as const;

/** Names of codes that are numbers on the wire, in the order of those (https://grpc.io/docs/guides/status-codes). */
const grpc = [
  'OK CANCELLED UNKNOWN INVALID_ARGUMENT DEADLINE_EXCEEDED NOT_FOUND ALREADY_EXISTS PERMISSION_DENIED',
  'RESOURCE_EXHAUSTED FAILED_PRECONDITION ABORTED OUT_OF_RANGE UNIMPLEMENTED INTERNAL UNAVAILABLE',
  'DATA_LOSS UNAUTHENTICATED',
].flatMap((names) => names.split(' '));

/** The same of DNS (IANA, DNS RCODEs); others are told by their number. */
const dns = [
  'NOERROR FORMERR SERVFAIL NXDOMAIN NOTIMP REFUSED YXDOMAIN YXRRSET NXRRSET NOTAUTH NOTZONE DSOTYPENI',
  '- - - - BADVERS BADKEY BADTIME BADMODE BADNAME BADALG BADTRUNC BADCOOKIE',
].flatMap((names) => names.split(' '));

const numbered: Partial<Record<Protocol, readonly string[]>> = { dns, grpc };

/** The code as the conventions write it, or undefined where there is none. */
export function codeText(attributes: Attributes): string | undefined {
  const place = places.find((name) => Object.hasOwn(attributes, name));
  return place === undefined ? undefined : String(attributes[place]);
}

/** The protocol's own code: a number where the wire has one, else the text; null where there is none. */
export function statusOf(protocol: Protocol, attributes: Attributes): number | string | null {
  const text = codeText(attributes);
  if (text === undefined) return null;
  const names = numbered[protocol] ?? [];
  const named = names.indexOf(text);
  if (named >= 0) return named;
  const digits = /^(?:RCODE)?(-?\d{1,9})$/.exec(text)?.[1];
  // Of PostgreSQL five digits are a text, too (SQLSTATE).
  return digits === undefined || protocol === 'postgresql' ? text : Number(digits);
}

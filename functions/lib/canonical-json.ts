import { createHash } from 'node:crypto';
import { isList, isRecord } from './plain-value.ts';

/**
 * JSON with sorted keys and no white space: equal values give equal bytes (RFC 8785 for the
 * values that Clover uses: finite numbers, strings, booleans, null, arrays, plain objects).
 * Fields that are undefined are left out; undefined itself counts as null.
 */
export function canonicalJson(value: unknown): string {
  if (isList(value)) return `[${value.map(canonicalJson).join(',')}]`;
  if (!isRecord(value)) return JSON.stringify(value ?? null);
  // Written by hand: an object made anew would put keys that look like array indices first.
  const members = Object.entries(value)
    .filter(([, inner]) => inner !== undefined)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([key, inner]) => `${JSON.stringify(key)}:${canonicalJson(inner)}`);
  return `{${members.join(',')}}`;
}

/** SHA-256 of a text, in lower-case hex. */
export function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}

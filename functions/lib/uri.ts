const unreserved = String.raw`\w.~!$&'()*+,;=\-`;
const escaped = '%[0-9A-Fa-f]{2}';
const segment = `(?:[${unreserved}:@]|${escaped})*`;
const host = String.raw`(?:\[(?:[0-9A-Fa-f:.]+|[vV][0-9A-Fa-f]+\.[${unreserved}:]+)\]|(?:[${unreserved}]|${escaped})*)`;
const authority = String.raw`\/\/(?:(?:[${unreserved}:]|${escaped})*@)?${host}(?::\d*)?(?:\/${segment})*`;
const rooted = String.raw`\/(?:(?:[${unreserved}:@]|${escaped})+(?:\/${segment})*)?`;
const tail = String.raw`(?:\?(?:[${unreserved}:@/?]|${escaped})*)?(?:#(?:[${unreserved}:@/?]|${escaped})*)?`;

const rootless = String.raw`(?:[${unreserved}:@]|${escaped})+(?:\/${segment})*`;
/** The first segment of a relative path has no colon, or it would be a scheme. */
const relative = String.raw`(?:[${unreserved}@]|${escaped})+(?:\/${segment})*`;
const uri = new RegExp(`^[A-Za-z][A-Za-z0-9+.-]*:(?:${authority}|${rooted}|${rootless})?${tail}$`);
const relativeReference = new RegExp(`^(?:${authority}|${rooted}|${relative})?${tail}$`);

/** Whether a text is a URI with a scheme (RFC 3986 §3); a fragment may follow. */
export function isUri(text: string): boolean {
  return uri.test(text);
}

/** Whether a text is a URI reference (RFC 3986 §4.1); the empty text is one. */
export function isUriReference(text: string): boolean {
  return uri.test(text) || relativeReference.test(text);
}

const token = String.raw`[!#$%&'*+.^_\x60|~\w-]+`;
const quoted = String.raw`"(?:[\t\x20\x21\x23-\x5b\x5d-\x7e\x80-\uffff]|\\[\t\x20-\x7e\x80-\uffff])*"`;
const parameter = String.raw`(${token})=(${token}|${quoted})`;
// Blanks are in one place only of each alternative, so that no text is tried in two ways.
const whole = new RegExp(`^(${token}/${token})((?:[ \\t]*;(?:[ \\t]*${parameter})?)*)[ \\t]*$`);
const everyParameter = new RegExp(parameter, 'g');

/** A media type, taken apart. */
export interface MediaType {
  /** Type and subtype in lower case, as in `application/json`. */
  readonly essence: string;
  /** Values by name in lower case; the first counts of those that come twice. */
  readonly parameters: ReadonlyMap<string, string>;
}

/** Whether a text is a media type (RFC 9110 §8.3.1). */
export function isMediaType(text: string): boolean {
  return whole.test(text);
}

/** Reads a media type (RFC 9110 §8.3.1); undefined when the text is none. */
export function parseMediaType(text: string): MediaType | undefined {
  const match = whole.exec(text);
  if (match === null) return undefined;
  const [, essence = '', rest = ''] = match;
  const parameters = new Map<string, string>();
  for (const [, name = '', value = ''] of rest === '' ? [] : rest.matchAll(everyParameter)) {
    const key = name.toLowerCase();
    if (!parameters.has(key)) parameters.set(key, unquote(value));
  }
  return { essence: essence.toLowerCase(), parameters };
}

/** Whether data of this type is JSON: its subtype is `json` or ends in `+json`. */
export function isJsonType(mediaType: string): boolean {
  return /^[^;]*[/+]json[ \t]*(?:;|$)/i.test(mediaType);
}

function unquote(value: string): string {
  return value.startsWith('"') ? value.slice(1, -1).replaceAll(/\\(.)/g, '$1') : value;
}

import { pathError } from './nodes.ts';

/** A text in quotes, and where it ends: behind the closing quote. */
export interface Quoted {
  readonly text: string;
  readonly end: number;
}

/** A key in quotes as it is written, backslashes included, and where it ends. */
export function readQuotedRaw(template: string, at: number): Quoted {
  const quote = template[at];
  for (let index = at + 1; index < template.length; index++) {
    if (template[index] === '\\') index++;
    else if (template[index] === quote) {
      return { text: template.slice(at + 1, index), end: index + 1 };
    }
  }
  throw pathError(at, `found ${quote ?? 'nothing'} without the quote that ends the text`);
}

/**
 * A literal text in quotes, with the escapes of Go's strings: `\n`, `\t`, `\"`, `\u00e9`, `\x41`, `\101`, ….
 * @throws CloverError CLV_ARGUMENT_INVALID for another escape.
 */
export function readQuoted(template: string, at: number): Quoted {
  const { text: raw, end } = readQuotedRaw(template, at);
  const text = raw.replaceAll(escape, (found, inner: string, offset: number) => {
    const simple = simpleEscapes[inner];
    if (simple !== undefined) return simple;
    const code = codeOf(inner);
    if (code !== undefined) return String.fromCodePoint(code);
    const message = `found the escape ${JSON.stringify(found)}; allowed are those of Go's strings, such as \\n, \\t, \\" and \\u00e9`;
    throw pathError(at + 1 + offset, message);
  });
  return { text, end };
}

const escape = /\\(u[\da-fA-F]{4}|U[\da-fA-F]{8}|x[\da-fA-F]{2}|[0-7]{3}|.)/gsu;

const simpleEscapes: Readonly<Record<string, string>> = {
  '"': '"',
  "'": "'",
  '\\': '\\',
  a: '\u0007',
  b: '\b',
  f: '\f',
  n: '\n',
  r: '\r',
  t: '\t',
  v: '\v',
};

function codeOf(inner: string): number | undefined {
  const isOctal = /^[0-7]{3}$/.test(inner);
  if (!isOctal && inner.length < 3) return undefined;
  const code = isOctal ? Number.parseInt(inner, 8) : Number.parseInt(inner.slice(1), 16);
  const isSurrogate = code >= 0xd8_00 && code <= 0xdf_ff;
  return isSurrogate || code > 0x10_ff_ff ? undefined : code;
}

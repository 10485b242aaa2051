/** Unicode classes that RE2 knows: every general category, and the scripts that are of use. */
const unicodeClasses = new Set(
  `Any C Cc Cf Co Cs L Ll Lm Lo Lt Lu M Mc Me Mn N Nd Nl No P Pc Pd Pe Pf Pi Po Ps S Sc Sk Sm So Z Zl Zp Zs
  Arabic Armenian Bengali Common Cyrillic Devanagari Georgian Greek Han Hangul Hebrew Hiragana Inherited
  Katakana Latin Tamil Telugu Thai`.split(/\s+/),
);

/** A piece that was read: its length, and the byte that it stands for, if it is one. */
export interface Piece {
  readonly length: number;
  readonly byte?: number;
}

/**
 * One escape that stands for a byte, in a class or outside; the text begins behind the backslash.
 * @throws SyntaxError for any other.
 */
export function readEscape(text: string): Piece {
  const octal = /^(?:0[0-7]{0,2}|[1-7][0-7]{1,2})/.exec(text)?.[0];
  if (octal !== undefined) return bounded(octal, Number.parseInt(octal, 8));
  if (/^[1-9]|^k[<{']/.test(text)) {
    throw new SyntaxError('uses a back-reference, which RE2 has not');
  }
  const [hex, digits, inBraces] = /^x(?:([\da-fA-F]{2})|\{([\da-fA-F]+)\})/.exec(text) ?? [];
  if (hex !== undefined) return bounded(hex, Number.parseInt(digits ?? inBraces ?? '', 16));
  const [char] = text;
  const control = 'afnrtv'.indexOf(char ?? '');
  if (char !== undefined && control >= 0) {
    return { length: 1, byte: '\x07\f\n\r\t\v'.charCodeAt(control) };
  }
  if (char !== undefined && /[^\w\x80-\xff]/.test(char)) {
    return { length: 1, byte: char.charCodeAt(0) };
  }
  throw new SyntaxError(`has the unknown escape "\\${char ?? ''}"`);
}

function bounded(text: string, byte: number): Piece {
  // In its Latin-1 mode RE2 has no higher ones.
  if (byte <= 0xff) return { length: text.length, byte };
  throw new SyntaxError(`has the escape "\\${text}", which is more than a byte`);
}

/**
 * A class such as `\d` or `\p{Greek}`, undefined when the text is none; it begins behind the backslash.
 * @throws SyntaxError for an unknown Unicode class.
 */
export function readNamedClass(text: string): Piece | undefined {
  if (/^[dDsSwW]/.test(text)) return { length: 1 };
  if (!/^[pP]/.test(text)) return undefined;
  const [whole = text, inBraces, letter = ''] = /^.(?:\{\^?([^}]*)\}|(.))/s.exec(text) ?? [];
  if (unicodeClasses.has(inBraces ?? letter)) return { length: whole.length };
  throw new SyntaxError(`has the unknown Unicode class "\\${whole}"`);
}

/** Where a value stands in a JSON text: its bytes from `start` to before `end`. */
export interface JsonRange {
  readonly start: number;
  readonly end: number;
}

const maxDepth = 512;
const tab = 0x09;
const lineFeed = 0x0a;
const carriageReturn = 0x0d;
const blank = 0x20;
const quote = 0x22;
const comma = 0x2c;
const minus = 0x2d;
const point = 0x2e;
const zero = 0x30;
const nine = 0x39;
const colon = 0x3a;
const openArray = 0x5b;
const backslash = 0x5c;
const closeArray = 0x5d;
const openObject = 0x7b;
const closeObject = 0x7d;

const escapes = new Set(Buffer.from('"\\/bfnrt'));
const literals = ['true', 'false', 'null'].map((word) => Buffer.from(word));

/**
 * Walks through a JSON text (RFC 8259) once and tells where its values stand, so that a value can be
 * passed on byte for byte; numbers do not become doubles on the way. All that is walked over is checked.
 * Every method throws a SyntaxError with the offset of what is no JSON, and for more than 512 levels.
 */
export class JsonReader {
  readonly #bytes: Buffer;
  #at: number;

  /** The text is UTF-8, which is not checked; a byte order mark before it is passed over. */
  constructor(bytes: Buffer) {
    this.#bytes = bytes;
    this.#at = bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf ? 3 : 0;
  }

  /** Whether the next value is an object. */
  isObject(): boolean {
    return this.#peek() === openObject;
  }

  /** Whether the next value is an array. */
  isArray(): boolean {
    return this.#peek() === openArray;
  }

  /** Calls back at each element of an array; the callback has to read the element. */
  array(element: (index: number) => void): void {
    this.#expect(openArray);
    if (this.#take(closeArray)) return;
    let index = 0;
    do element(index++);
    while (this.#take(comma));
    this.#expect(closeArray);
  }

  /** Calls back at each member of an object; the callback has to read the member's value. */
  object(member: (name: string) => void): void {
    this.#expect(openObject);
    if (this.#take(closeObject)) return;
    do member(this.#name());
    while (this.#take(comma));
    this.#expect(closeObject);
  }

  /** Passes over one value of any kind. */
  value(): JsonRange {
    this.#peek();
    const start = this.#at;
    const closers: number[] = [];
    do {
      if (this.#opens(closers)) continue;
      while (closers.length > 0 && this.#take(closers.at(-1) ?? 0)) closers.pop();
      if (closers.length > 0) this.#next(closers);
    } while (closers.length > 0);
    return { start, end: this.#at };
  }

  /** Says that nothing but blanks may follow. */
  end(): void {
    if (this.#peek() !== undefined) throw this.#unexpected();
  }

  /** Reads a value's beginning; true when it is a container that is not empty. */
  #opens(closers: number[]): boolean {
    const first = this.#peek();
    if (first === openObject || first === openArray) {
      this.#at += 1;
      const closer = first === openObject ? closeObject : closeArray;
      if (this.#take(closer)) return false;
      if (closers.length === maxDepth) {
        throw new SyntaxError(`more than ${maxDepth} levels at byte ${this.#at}`);
      }
      closers.push(closer);
      if (closer === closeObject) this.#name();
      return true;
    }
    if (first === quote) this.#string();
    else if (first === minus || isDigit(first)) this.#number();
    else this.#literal();
    return false;
  }

  /** Goes on to the next value of the innermost container. */
  #next(closers: readonly number[]): void {
    this.#expect(comma);
    if (closers.at(-1) === closeObject) this.#name();
  }

  #name(): string {
    if (this.#peek() !== quote) throw this.#unexpected();
    const start = this.#at;
    this.#string();
    const text: unknown = JSON.parse(this.#bytes.toString('utf8', start, this.#at));
    this.#expect(colon);
    return String(text);
  }

  #string(): void {
    const bytes = this.#bytes;
    let at = this.#at + 1;
    for (;;) {
      const byte = bytes[at];
      if (byte === quote) break;
      if (byte === backslash) at = this.#escape(at + 1);
      else if (byte === undefined || byte < blank) throw this.#unexpected(at);
      at += 1;
    }
    this.#at = at + 1;
  }

  /** The offset of the escape's last byte. */
  #escape(at: number): number {
    const byte = this.#bytes[at] ?? 0;
    if (escapes.has(byte)) return at;
    const isUnicode =
      byte === 0x75 && /^[0-9A-Fa-f]{4}$/.test(this.#bytes.toString('latin1', at + 1, at + 5));
    if (isUnicode) return at + 4;
    throw this.#unexpected(at);
  }

  #number(): void {
    if (this.#bytes[this.#at] === minus) this.#at += 1;
    if (this.#bytes[this.#at] === zero) this.#at += 1;
    else this.#digits();
    if (this.#bytes[this.#at] === point) {
      this.#at += 1;
      this.#digits();
    }
    const exponent = this.#bytes[this.#at];
    if (exponent !== 0x65 && exponent !== 0x45) return;
    const sign = this.#bytes[this.#at + 1];
    this.#at += sign === minus || sign === 0x2b ? 2 : 1;
    this.#digits();
  }

  #digits(): void {
    if (!isDigit(this.#bytes[this.#at])) throw this.#unexpected();
    while (isDigit(this.#bytes[this.#at])) this.#at += 1;
  }

  #literal(): void {
    const word = literals.find((literal) =>
      this.#bytes.subarray(this.#at, this.#at + literal.length).equals(literal),
    );
    if (word === undefined) throw this.#unexpected();
    this.#at += word.length;
  }

  /** The next byte that is no blank. */
  #peek(): number | undefined {
    const bytes = this.#bytes;
    for (;;) {
      const byte = bytes[this.#at];
      if (byte !== blank && byte !== lineFeed && byte !== carriageReturn && byte !== tab)
        return byte;
      this.#at += 1;
    }
  }

  #take(byte: number): boolean {
    if (this.#peek() !== byte) return false;
    this.#at += 1;
    return true;
  }

  #expect(byte: number): void {
    if (!this.#take(byte)) throw this.#unexpected();
  }

  #unexpected(at = this.#at): SyntaxError {
    return new SyntaxError(
      at < this.#bytes.length ? `unexpected byte at ${at}` : `unexpected end at byte ${at}`,
    );
  }
}

function isDigit(byte: number | undefined): boolean {
  return byte !== undefined && byte >= zero && byte <= nine;
}

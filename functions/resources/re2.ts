import { readEscape, readNamedClass, type Piece } from './re2-escapes.ts';

/** Why a text is not a regular expression that Envoy takes, or undefined when it is one. */
export function re2Problem(expression: string): string | undefined {
  if (!expression.isWellFormed()) return 'holds half a character';
  try {
    // Envoy has RE2 see bytes, not characters (its Latin-1 mode).
    new Re2Syntax(Buffer.from(expression, 'utf8').toString('latin1')).check();
    return undefined;
  } catch (error) {
    if (error instanceof SyntaxError) return error.message;
    throw error;
  }
}

const maxRepeat = 1_000;

/**
 * Instructions that a program may have. Far below the 350,000 or so at which RE2 gives up, and what the
 * bootstrap of `functions/policy` tells Envoy to take.
 */
const maxProgram = 20_000;

const posixClass =
  /^\[:\^?(?:alnum|alpha|ascii|blank|cntrl|digit|graph|lower|print|punct|space|upper|word|xdigit):\]/;

/** A part of an expression. */
interface Part {
  /** Instructions, at most. */
  readonly size: number;
  /** How often its innermost part is repeated by counted repetitions. */
  readonly repeats: number;
}

const single: Part = { size: 2, repeats: 1 };

/**
 * Walks the grammar of https://github.com/google/re2/wiki/Syntax without building anything.
 * JavaScript's own parser would not do: it takes look-around and refuses `(?i)` and `\z`.
 */
class Re2Syntax {
  readonly #text: string;
  readonly #lastNameEnd: number;
  #at = 0;

  constructor(text: string) {
    this.#text = text;
    this.#lastNameEnd = text.lastIndexOf(':]');
  }

  check(): void {
    const { size } = this.#alternatives(0);
    if (this.#at < this.#text.length) throw new SyntaxError('has a ")" without its "("');
    if (size > maxProgram) throw new SyntaxError('is too large with its repetitions written out');
  }

  #rest(): string {
    return this.#text.slice(this.#at);
  }

  #alternatives(depth: number): Part {
    if (depth > 100) throw new SyntaxError('nests groups deeper than 100');
    const parts: Part[] = [];
    let repeatable = false;
    while (this.#at < this.#text.length && this.#text.charAt(this.#at) !== ')') {
      const times = this.#quantifier();
      if (times !== undefined) {
        const last = parts.pop();
        if (!repeatable || last === undefined) {
          throw new SyntaxError(`repeats nothing at position ${this.#at}`);
        }
        parts.push(repeated(last, times));
        // RE2 refuses `a**` and, with it, the possessive `a++` of other engines.
        repeatable = false;
        continue;
      }
      const part = this.#part(depth);
      parts.push(part ?? single);
      repeatable = part !== undefined;
    }
    return {
      size: parts.reduce((sum, { size }) => sum + size, 2),
      repeats: Math.max(1, ...parts.map(({ repeats }) => repeats)),
    };
  }

  /** The next part, or undefined when it is none that can be repeated. */
  #part(depth: number): Part | undefined {
    const char = this.#text.charAt(this.#at);
    this.#at += 1;
    if (char === '|') return undefined;
    if (char === '(') return this.#group(depth);
    if (char === '[') return this.#characterClass();
    return char === '\\' ? this.#escape() : single;
  }

  /** How often the part before is repeated at most; undefined where there is no quantifier. */
  #quantifier(): number | undefined {
    const parts = /^(?:[*+?]|\{(\d+)(?:,(\d*))?\})\??/.exec(this.#rest());
    if (parts === null) return undefined;
    const [all, low = '', high = ''] = parts;
    if (Number(low) > maxRepeat || Number(high) > maxRepeat) {
      throw new SyntaxError(`repeats more than ${maxRepeat} times`);
    }
    if (high !== '' && Number(high) < Number(low)) {
      throw new SyntaxError(`has the bounds of ${all} the wrong way round`);
    }
    this.#at += all.length;
    return Math.max(Number(low), Number(high), 1);
  }

  #group(depth: number): Part | undefined {
    const rest = this.#rest();
    if (/^\?(?:<?[=!])/.test(rest)) throw new SyntaxError('uses look-around, which RE2 has not');
    if (rest.startsWith('?')) {
      const head = /^\?(?:P?<\w+>|[imsU]*(?:-[imsU]+)?:)/.exec(rest)?.[0];
      const flags = /^\?[imsU]*(?:-[imsU]+)?\)/.exec(rest)?.[0];
      if (flags !== undefined && flags !== '?)') {
        this.#at += flags.length;
        return undefined;
      }
      if (head === undefined) throw new SyntaxError(`has the unknown group "(${rest.slice(0, 3)}"`);
      this.#at += head.length;
    }
    const inside = this.#alternatives(depth + 1);
    if (this.#text.charAt(this.#at) !== ')') throw new SyntaxError('has a "(" without its ")"');
    this.#at += 1;
    return inside;
  }

  #escape(): Part | undefined {
    const rest = this.#rest();
    const quoted = /^Q([\s\S]*?)(?:\\E|$)/.exec(rest);
    if (quoted !== null) {
      const [all, inside = ''] = quoted;
      this.#at += all.length;
      return inside === '' ? undefined : { size: 2 * inside.length, repeats: 1 };
    }
    if (/^[AzbBC]/.test(rest)) {
      this.#at += 1;
      return single;
    }
    const named = readNamedClass(rest);
    this.#at += (named ?? readEscape(rest)).length;
    return named === undefined ? single : classOf(1);
  }

  #characterClass(): Part {
    if (this.#text.charAt(this.#at) === '^') this.#at += 1;
    const start = this.#at;
    for (let items = 1; this.#at < this.#text.length; items++) {
      if (this.#text.charAt(this.#at) === ']' && this.#at > start) {
        this.#at += 1;
        return classOf(items);
      }
      this.#classItem();
    }
    throw new SyntaxError('has a "[" without its "]"');
  }

  #classItem(): void {
    const rest = this.#rest();
    // Looked for once: a search at each "[:" would take the square of the length.
    if (rest.startsWith('[:') && this.#at + 2 <= this.#lastNameEnd) {
      const name = posixClass.exec(rest)?.[0];
      if (name === undefined) throw new SyntaxError('has an unknown class "[:…:]"');
      this.#at += name.length;
      return;
    }
    const named = rest.startsWith('\\') ? readNamedClass(rest.slice(1)) : undefined;
    if (named !== undefined) {
      this.#at += 1 + named.length;
      return;
    }
    const from = this.#classByte();
    if (!/^-[^\]]/s.test(this.#rest())) return;
    this.#at += 1;
    const { at, to } = { at: this.#at, to: this.#classByte() };
    if ((to.byte ?? 0) < (from.byte ?? 0)) {
      const range = this.#text.slice(at - 1 - from.length, this.#at);
      throw new SyntaxError(`has the range ${range} the wrong way round`);
    }
  }

  #classByte(): Piece {
    const rest = this.#rest();
    const piece = rest.startsWith('\\')
      ? readEscape(rest.slice(1))
      : { length: 0, byte: rest.charCodeAt(0) };
    const length = piece.length + 1;
    this.#at += length;
    return { ...piece, length };
  }
}

/** A class of so many items; every one may become several ranges of bytes, in either case. */
function classOf(items: number): Part {
  return { size: Math.min(16 * items, 512), repeats: 1 };
}

function repeated({ size, repeats }: Part, times: number): Part {
  if (repeats * times > maxRepeat) {
    throw new SyntaxError(`repeats more than ${maxRepeat} times with its repetitions multiplied`);
  }
  return { size: (size + 1) * times + 1, repeats: repeats * times };
}

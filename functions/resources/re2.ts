/** Why a text is not a regular expression that RE2 takes, or undefined when it is one. */
export function re2Problem(expression: string): string | undefined {
  try {
    new Re2Syntax(expression).check();
    return undefined;
  } catch (error) {
    if (error instanceof SyntaxError) return error.message;
    throw error;
  }
}

const maxRepeat = 1_000;

/**
 * Walks the grammar of https://github.com/google/re2/wiki/Syntax without building anything.
 * JavaScript's own parser would not do: it takes look-around and refuses `(?i)` and `\z`.
 */
class Re2Syntax {
  readonly #text: string;
  #at = 0;

  constructor(text: string) {
    this.#text = text;
  }

  check(): void {
    this.#alternatives(0);
    if (this.#at < this.#text.length) throw new SyntaxError('has a ")" without its "("');
  }

  #alternatives(depth: number): void {
    if (depth > 100) throw new SyntaxError('nests groups deeper than 100');
    let repeatable = false;
    while (this.#at < this.#text.length) {
      const char = this.#text.charAt(this.#at);
      if (char === ')') return;
      if (this.#quantifier()) {
        if (!repeatable) throw new SyntaxError(`repeats nothing at position ${this.#at}`);
        // RE2 refuses `a**` and, with it, the possessive `a++` of other engines.
        repeatable = false;
        continue;
      }
      this.#at += 1;
      repeatable = char !== '|';
      if (char === '(') this.#group(depth);
      else if (char === '[') this.#characterClass();
      else if (char === '\\') repeatable = this.#escape();
    }
  }

  #quantifier(): boolean {
    const parts = /^(?:[*+?]|\{(\d+)(?:,(\d*))?\})\??/.exec(this.#text.slice(this.#at));
    if (parts === null) return false;
    const [all, low = '', high = ''] = parts;
    if (Number(low) > maxRepeat || Number(high) > maxRepeat) {
      throw new SyntaxError(`repeats more than ${maxRepeat} times`);
    }
    if (high !== '' && Number(high) < Number(low)) {
      throw new SyntaxError(`has the bounds of ${all} the wrong way round`);
    }
    this.#at += all.length;
    return true;
  }

  #group(depth: number): void {
    const rest = this.#text.slice(this.#at);
    if (/^\?(?:<?[=!])/.test(rest)) throw new SyntaxError('uses look-around, which RE2 has not');
    if (rest.startsWith('?')) {
      const head = /^\?(?:P?<\w+>|[imsU]*(?:-[imsU]+)?:)/.exec(rest)?.[0];
      const flags = /^\?[imsU]*(?:-[imsU]+)?\)/.exec(rest)?.[0];
      if (flags !== undefined && flags !== '?)') {
        this.#at += flags.length;
        return;
      }
      if (head === undefined) throw new SyntaxError(`has the unknown group "(${rest.slice(0, 3)}"`);
      this.#at += head.length;
    }
    this.#alternatives(depth + 1);
    if (this.#text.charAt(this.#at) !== ')') throw new SyntaxError('has a "(" without its ")"');
    this.#at += 1;
  }

  /** Whether what was escaped may be repeated. */
  #escape(): boolean {
    const rest = this.#text.slice(this.#at);
    if (/^[1-9]|^k[<{']/.test(rest))
      throw new SyntaxError('uses a back-reference, which RE2 has not');
    const quoted = /^Q[\s\S]*?(?:\\E|$)/.exec(rest)?.[0];
    if (quoted !== undefined) {
      this.#at += quoted.length;
      return true;
    }
    const known =
      /^(?:[dDsSwWaftnrvC]|[AzbB]|0[0-7]{0,2}|x[\da-fA-F]{2}|x\{[\da-fA-F]{1,6}\}|[pP](?:\{\^?\w+\}|[A-Z])|[^\w\s])/.exec(
        rest,
      )?.[0];
    if (known === undefined)
      throw new SyntaxError(`has the unknown escape "\\${rest.slice(0, 1)}"`);
    this.#at += known.length;
    return true;
  }

  #characterClass(): void {
    if (this.#text.charAt(this.#at) === '^') this.#at += 1;
    let first = true;
    let low: string | undefined;
    while (this.#at < this.#text.length) {
      const char = this.#text.charAt(this.#at);
      if (char === ']' && !first) {
        this.#at += 1;
        return;
      }
      first = false;
      const named = /^\[:\^?\w+:\]/.exec(this.#text.slice(this.#at))?.[0];
      this.#at += named?.length ?? 1;
      if (char === '\\') this.#escape();
      const single = named === undefined && char !== '\\' ? char : undefined;
      if (low !== undefined && single !== undefined && single < low) {
        throw new SyntaxError(`has the range ${low}-${single} the wrong way round`);
      }
      low = undefined;
      const next = this.#text.slice(this.#at, this.#at + 2);
      if (next.startsWith('-') && next !== '-]' && next.length === 2) {
        low = single;
        this.#at += 1;
      }
    }
    throw new SyntaxError('has a "[" without its "]"');
  }
}

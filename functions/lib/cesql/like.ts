/** A pattern of LIKE, ready to match. */
export interface LikePattern {
  readonly source: string;
  /** What stands between the `%`; one more than there are of them. */
  readonly segments: readonly Segment[];
  /** Steps per character of a text: one, and one for each 64 characters of the longest segment that has to be looked for. */
  readonly steps: number;
}

/** Characters without `%` between them. */
interface Segment {
  /** Code points; undefined is `_`, any one of them. */
  readonly characters: readonly (string | undefined)[];
  /** Per code point: the bits of the places where it may stand. */
  readonly places: ReadonlyMap<string, bigint>;
  /** The places where any code point may stand. */
  readonly wild: bigint;
}

/**
 * Compiles a pattern: `%` is any text, `_` any one character (a Unicode code point), `\%` and `\_`
 * are these characters themselves. A backslash before anything else is a backslash.
 */
export function compileLike(source: string): LikePattern {
  const segments: (string | undefined)[][] = [[]];
  for (const part of source.match(/\\[%_]|[^]/gu) ?? []) {
    if (part === '%') segments.push([]);
    else
      segments
        .at(-1)
        ?.push(part === '_' ? undefined : part.length > 1 && part[0] === '\\' ? part[1] : part);
  }
  const longest = segments.slice(1, -1).reduce((most, { length }) => Math.max(most, length), 0);
  return { source, segments: segments.map(segmentOf), steps: 1 + Math.ceil(longest / 64) };
}

/**
 * Whether the whole text fits the pattern. It looks once at every character of the text, at a cost
 * of the pattern's steps.
 */
export function matchesLike(pattern: LikePattern, text: string): boolean {
  const characters = Array.from(text);
  const [first, ...others] = pattern.segments;
  const last = others.pop();
  if (first === undefined || !fits(first, characters, 0)) return false;
  const from = first.characters.length;
  if (last === undefined) return from === characters.length;
  const to = characters.length - last.characters.length;
  if (to < from || !fits(last, characters, to)) return false;
  let at: number | undefined = from;
  for (const segment of others) {
    // The first place leaves most room for the rest, so no other one has to be tried.
    at = findEnd(segment, characters, at, to);
    if (at === undefined) return false;
  }
  return true;
}

function segmentOf(characters: readonly (string | undefined)[]): Segment {
  const places = new Map<string, bigint>();
  let wild = 0n;
  for (const [index, character] of characters.entries()) {
    const bit = 1n << BigInt(index);
    if (character === undefined) wild |= bit;
    else places.set(character, (places.get(character) ?? 0n) | bit);
  }
  return { characters, places, wild };
}

function fits(segment: Segment, text: readonly string[], at: number): boolean {
  return (
    at + segment.characters.length <= text.length &&
    segment.characters.every(
      (character, i) => character === undefined || character === text[at + i],
    )
  );
}

/** End of the first place in [from, to) that the segment fits (Shift-And of Baeza-Yates and Gonnet). */
function findEnd(
  segment: Segment,
  text: readonly string[],
  from: number,
  to: number,
): number | undefined {
  if (segment.characters.length === 0) return from;
  const complete = 1n << BigInt(segment.characters.length - 1);
  let begun = 0n;
  for (let at = from; at < to; at += 1) {
    const here = segment.places.get(text[at] ?? '') ?? 0n;
    begun = ((begun << 1n) | 1n) & (here | segment.wild);
    if ((begun & complete) !== 0n) return at + 1;
  }
  return undefined;
}

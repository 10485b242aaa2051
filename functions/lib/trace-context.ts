/** Where a span stands in its trace; hex as W3C Trace Context writes it. */
export interface SpanContext {
  readonly traceId: string;
  readonly spanId: string;
  /** Bit 0: sampled. */
  readonly flags: number;
}

/** The two fields of W3C Trace Context, as headers of a request or as attributes of an event. */
export interface TraceFields {
  readonly traceparent?: string | undefined;
  readonly tracestate?: string | undefined;
}

/** A trace that may be carried on. */
export interface TraceContext {
  readonly traceparent: string;
  /** What other tracers note in it, by the limits of §3.3; absent without any. */
  readonly tracestate?: string;
}

const form =
  /^(?!ff)[0-9a-f]{2}-(?!0{32})([0-9a-f]{32})-(?!0{16})([0-9a-f]{16})-([0-9a-f]{2})(?:-.*)?$/;
const keyCharacters = String.raw`[a-z0-9_\-*/]`;
const simpleKey = `[a-z]${keyCharacters}{0,255}`;
const tenantKey = `[a-z0-9]${keyCharacters}{0,240}@[a-z]${keyCharacters}{0,13}`;
const stateValue = String.raw`[\x20-\x2b\x2d-\x3c\x3e-\x7e]{0,255}[\x21-\x2b\x2d-\x3c\x3e-\x7e]`;
const stateMember = new RegExp(`^(${simpleKey}|${tenantKey})=${stateValue}$`);

/** §3.3.1.1 and §3.3.1.5; beyond `characters` the members of more than `long` go first. More than `text` is not looked at. */
const limits = { members: 32, characters: 512, long: 128, text: 32 * 1024 };

/** Reads a `traceparent` (W3C Trace Context §3.2); undefined when it is none. */
export function parseTraceparent(text: string | undefined): SpanContext | undefined {
  const [, traceId, spanId, flags] = form.exec(text ?? '') ?? [];
  if (text === undefined || traceId === undefined || spanId === undefined) return undefined;
  // Version 00 has nothing behind the flags.
  if (text.startsWith('00') && text.length !== 55) return undefined;
  return { traceId, spanId, flags: Number.parseInt(flags ?? '', 16) };
}

/** Writes a `traceparent`. */
export function traceparentOf({ traceId, spanId, flags }: SpanContext): string {
  return `00-${traceId}-${spanId}-${flags.toString(16).padStart(2, '0')}`;
}

/**
 * A `tracestate` (W3C Trace Context §3.3) as it may be sent on: without blanks and empty members, at most 512 characters.
 * @returns undefined when there is nothing in it, or when it is none: a key that comes twice, more than 32 members, or a
 *   member of another form spoils all of it (§4.3: who cannot read it must not use it).
 */
export function parseTracestate(text: string | undefined): string | undefined {
  if (text === undefined || text.length > limits.text) return undefined;
  const members = text
    .split(',')
    .map(withoutBlanks)
    .filter((member) => member !== '');
  if (members.length === 0 || members.length > limits.members) return undefined;
  const keys = new Set<string>();
  for (const member of members) {
    const key = stateMember.exec(member)?.[1];
    if (key === undefined || keys.has(key)) return undefined;
    keys.add(key);
  }
  return shortened(members);
}

/** The trace of a message; undefined without a valid `traceparent`, whatever the `tracestate` (§4.3). */
export function traceContextOf({ traceparent, tracestate }: TraceFields): TraceContext | undefined {
  if (traceparent === undefined || parseTraceparent(traceparent) === undefined) return undefined;
  const state = parseTracestate(tracestate);
  return state === undefined ? { traceparent } : { traceparent, tracestate: state };
}

/** By hand: an expression that looks for blanks before the end takes the square of their number. */
function withoutBlanks(member: string): string {
  const isBlank = (at: number): boolean => member[at] === ' ' || member[at] === '\t';
  let [from, to] = [0, member.length];
  while (from < to && isBlank(from)) from += 1;
  while (to > from && isBlank(to - 1)) to -= 1;
  return member.slice(from, to);
}

function shortened(members: readonly string[]): string | undefined {
  let left = members;
  const fits = (): boolean => left.join(',').length <= limits.characters;
  if (!fits()) left = left.filter(({ length }) => length <= limits.long);
  // The newest stand in front.
  while (!fits()) left = left.slice(0, -1);
  return left.length === 0 ? undefined : left.join(',');
}

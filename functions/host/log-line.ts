/** Pino's numbers. */
export const levelNumbers = {
  trace: 10,
  debug: 20,
  info: 30,
  warn: 40,
  error: 50,
  fatal: 60,
  silent: Infinity,
} as const;

/**
 * The line as pino writes it, whatever its fields are: circular values are `[Circular]`, a BigInt is its digits as a text,
 * and errors have their causes and own fields. Fields that cannot be written are left out, and `unwritable` says why.
 * @param fields in the order of the line; they replace what `head` has of the same name.
 */
export function logLine(head: object, fields: object, message: string | undefined): string {
  try {
    return JSON.stringify({ ...head, ...fields, msg: message }, createReplacer());
  } catch (error) {
    return JSON.stringify({ ...head, unwritable: String(error), msg: message }, createReplacer());
  }
}

type Replacer = (this: unknown, name: string, value: unknown) => unknown;

/** JSON.stringify goes down by calling it with the object above as `this`; so the way down is known. */
function createReplacer(): Replacer {
  const above: { readonly from: object; readonly written: object }[] = [];
  return function replace(_name, value) {
    while (above.length > 0 && above.at(-1)?.written !== this) above.pop();
    if (typeof value === 'bigint') return String(value);
    if (typeof value !== 'object' || value === null) return value;
    if (above.some(({ from }) => from === value)) return '[Circular]';
    const written = value instanceof Error ? errorFields(value) : value;
    above.push({ from: value, written });
    return written;
  };
}

/** What pino's serializer of errors makes of one. */
function errorFields(error: Error): object {
  const causes = causesOf(error);
  return {
    // The cause, where it is a field of its own, is in the message and the stack already.
    ...Object.fromEntries(Object.entries(error).filter(([name]) => name !== 'cause')),
    type: error.constructor.name,
    message: causes.map(({ message }) => message).join(': '),
    stack: causes.map(({ stack = '' }) => stack).join('\ncaused by: '),
    ...('errors' in error ? { aggregateErrors: error.errors } : {}),
  };
}

/** The error and its causes, each once. */
function causesOf(error: Error): readonly Error[] {
  const causes = new Set<Error>();
  for (let next: unknown = error; next instanceof Error && !causes.has(next); next = next.cause) {
    causes.add(next);
  }
  return [...causes];
}

/** How long ago, as kubectl says it: `45s`, `12m`, `3h10m`, `5d`. */
export function ago(then: number, now: number): string {
  const seconds = Math.max(0, Math.floor((now - then) / 1000));
  if (seconds < 120) return `${seconds}s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 120) return `${minutes}m`;
  const hours = Math.floor(minutes / 60);
  if (hours < 48) return hours < 8 ? `${hours}h${minutes % 60}m` : `${hours}h`;
  return `${Math.floor(hours / 24)}d`;
}

/** Unix milliseconds as RFC 3339, or a dash. */
export function timeText(at: number | undefined): string {
  return at === undefined ? '-' : new Date(at).toISOString();
}

const unprintable = /[\p{Cc}\p{Zl}\p{Zp}\p{Cs}\u061C\u200E\u200F\u202A-\u202E\u2066-\u2069]/gu;
const shortEscapes: Readonly<Record<string, string>> = { '\n': '\\n', '\r': '\\r', '\t': '\\t' };

function escaped(character: string): string {
  const code = character.charCodeAt(0).toString(16).padStart(4, '0');
  return shortEscapes[character] ?? `\\u${code}`;
}

/**
 * A text in one line that does to a terminal nothing but stand there: control characters, line separators, marks that
 * turn the direction of writing, and lone surrogates become escapes such as `\u001b`.
 */
export function printable(text: string): string {
  return text.replaceAll(unprintable, escaped);
}

/** As {@link printable}, but line feeds and tabs stay. */
export function printableLines(text: string): string {
  return text.replaceAll(unprintable, (character) =>
    character === '\n' || character === '\t' ? character : escaped(character),
  );
}

const unitMs: Readonly<Record<string, number>> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000 };

/** Milliseconds of a duration such as `250ms` or `5m`; the schema has checked the form. */
export function durationMs(text: string): number {
  const parts = /^(\d+)(ms|s|m|h)$/.exec(text);
  const scale = unitMs[parts?.[2] ?? ''];
  if (parts === null || scale === undefined) throw new TypeError(`not a duration: ${text}`);
  return Number(parts[1]) * scale;
}

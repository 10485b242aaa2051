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

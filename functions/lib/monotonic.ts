/**
 * Milliseconds of a clock that never goes back, from a start of its own. Not the global `performance`, which a function
 * that starts would wait a millisecond for.
 */
export function monotonicMs(): number {
  const [seconds, nanoseconds] = process.hrtime();
  return seconds * 1e3 + nanoseconds / 1e6;
}

/** Decides how many deliveries run at once and when the next may start. */
export interface Pace {
  /** Deliveries allowed at once, 1 to 4. */
  readonly window: number;
  /** Unix ms before which nothing is sent. */
  readonly notBefore: number;
  onSuccess(): void;
  /** @param retryAfterMs what the receiver asked for, if it did. */
  onRefusal(now: number, retryAfterMs: number | undefined): void;
}

const widest = 4;
const firstDelayMs = 200;
const longestDelayMs = 5_000;
/** A receiver cannot silence an agent for longer than this. */
const longestRetryAfterMs = 300_000;

/**
 * Additive increase, multiplicative decrease on concurrency (RFC 5681's idea), and exponential
 * back-off with full jitter on time.
 *
 * @param random uniform in [0, 1).
 */
export function createPace(random: () => number): Pace {
  let window = 1;
  let notBefore = 0;
  let refusals = 0;
  return {
    get window() {
      return Math.floor(window);
    },
    get notBefore() {
      return notBefore;
    },
    onSuccess() {
      refusals = 0;
      window = Math.min(widest, window + 1 / window);
    },
    onRefusal(now, retryAfterMs) {
      window = Math.max(1, window / 2);
      const asked = retryAfterMs === undefined ? 0 : Math.min(retryAfterMs, longestRetryAfterMs);
      // Deliveries that were in flight together fail together: one step back, not four.
      if (now >= notBefore) refusals += 1;
      const ceiling = Math.min(longestDelayMs, firstDelayMs * 2 ** (refusals - 1));
      notBefore = Math.max(notBefore, now + Math.max(asked, random() * ceiling));
    },
  };
}

import { monotonicMs } from './monotonic.ts';

/** Answers that are not asked for again within a short time. */
export interface Recent<T> {
  /**
   * What `ask` gives, or gave not long ago. Who asks for the same at one time shares one answer; one that fails is not kept.
   * @throws whatever `ask` throws.
   */
  get(key: string, ask: () => Promise<T>): Promise<T>;
}

/** Options of {@link createRecent}. */
export interface RecentOptions {
  /** Milliseconds that an answer counts, from when it was asked for. */
  readonly ms: number;
  /** Answers that are kept; then the oldest goes. */
  readonly most: number;
  /** Milliseconds of a clock that nobody sets. */
  readonly now?: () => number;
}

/** Makes one that holds nothing yet. */
export function createRecent<T>({ ms, most, now = monotonicMs }: RecentOptions): Recent<T> {
  const kept = new Map<string, { readonly until: number; readonly answer: Promise<T> }>();
  return {
    async get(key, ask) {
      const found = kept.get(key);
      if (found !== undefined && now() < found.until) return found.answer;
      // Set anew, so that the order of the keys is that of their age.
      kept.delete(key);
      const [oldest] = kept.keys();
      if (kept.size >= most && oldest !== undefined) kept.delete(oldest);
      const made = { until: now() + ms, answer: ask() };
      kept.set(key, made);
      try {
        return await made.answer;
      } catch (error) {
        if (kept.get(key) === made) kept.delete(key);
        throw error;
      }
    },
  };
}

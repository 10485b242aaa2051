/** What was looked at, and how it stands: `bad` keeps Clover from its work, `doubtful` may. */
export interface Finding {
  readonly check: string;
  readonly state: 'bad' | 'doubtful' | 'good';
  /** What was found. */
  readonly found: string;
  /** What helps, unless all is well. */
  readonly fix?: string;
}

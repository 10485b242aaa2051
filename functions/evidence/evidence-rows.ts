import { z } from 'zod';
import { tapReport, type EvidenceCell } from '../../knative/events.ts';
import type { EvidenceSource } from './evidence-store.ts';

const count = z.int();

/** A row of a look. */
export const lookRow = z.strictObject({
  run: z.string(),
  number: count,
  previous: z.string(),
  hash: z.string(),
  body: z.string(),
});

/** A row of sums over sources. */
export const totalRow = z.object({
  splitter: z.string(),
  run: z.string(),
  epoch: count,
  arm: z.string(),
  block: count,
  started: count,
  done: count,
  errors: count,
  stuck: count,
  sumLog: z.number(),
  sumLogSq: z.number(),
});

/** A row of a cell, without what says whether it is sealed. */
export const cellRow = totalRow.extend({ lowest: count.nullable(), highest: count.nullable() });

/** A row of what is known of a source. */
export const healthRow = z.object({
  source: z.string(),
  heardAt: z.number(),
  watermarkMs: z.number(),
  resting: count.transform(Boolean),
  missedReports: count,
  loss: z
    .string()
    .transform((text): unknown => JSON.parse(text))
    .pipe(z.record(z.string(), count)),
  taps: z
    .string()
    .transform((text): unknown => JSON.parse(text))
    .pipe(z.array(tapReport)),
});

/** A gap in a source's reports is waited for this long before newer watermarks count. */
export const gapMs = 5_000;

/** More agents than that are not told apart in status and metrics. */
const maxSources = 1_000;

/** The node of a source, of which each start of its agent is one; the whole source where that has another form. */
export function nodeOf(source: string): string {
  return /^\/nodes\/([^/]+)\/[^/]+$/.exec(source)?.[1] ?? source;
}

/** First and last latency bucket of a cell, so that judging does not read its histogram. */
export function bucketBounds({ histogram }: EvidenceCell): {
  readonly lowest: number | null;
  readonly highest: number | null;
} {
  if (histogram.length === 0) return { lowest: null, highest: null };
  const buckets = histogram.map(([bucket]) => bucket);
  return { lowest: Math.min(...buckets), highest: Math.max(...buckets) };
}

/** The agents of these sources, each by the source that was heard last: rows come in this order. */
export function newestSources(
  rows: Iterable<z.output<typeof healthRow>, unknown, unknown>,
): EvidenceSource[] {
  const newest = new Map<string, EvidenceSource>();
  for (const health of rows) {
    if (newest.size === maxSources) break;
    const node = nodeOf(health.source);
    if (!newest.has(node)) newest.set(node, { node, ...health });
  }
  return [...newest.values()];
}

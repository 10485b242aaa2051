import { z } from 'zod';
import { bucketRatio } from '../../knative/events.ts';
import type { RedGrouping, RedRow, StoredArmRow } from './store.ts';

/** A named question: one SQL text, and what its rows look like. `from` and `to` are Unix ms. */
export interface Question<Row> {
  readonly sql: string;
  readonly row: z.ZodType<Row>;
}

// FINAL: rows that came twice count once, also before they merged. A duplicate has its twin's
// start, so partitions (days) need not be compared with each other.
const window = `FROM spans FINAL
  WHERE ts >= fromUnixTimestamp64Milli({from:Int64}) AND ts < fromUnixTimestamp64Milli({to:Int64})`;

const count = z.coerce.number();

/** One latency bucket of one service, version and kind. */
export interface RedBucket {
  readonly service: string;
  readonly version: string;
  readonly kind: string;
  readonly bucket: number;
  readonly requests: number;
  readonly errors: number;
}

/** Requests and errors per duration bucket; {@link redRows} makes quantiles of them. */
export const redQuestion: Question<RedBucket> = {
  sql: `SELECT service, version, toString(kind) AS kind, bucket, count() AS requests, sum(error) AS errors
  ${window}
  GROUP BY service, version, kind, bucket
  ORDER BY service, version, kind, bucket`,
  row: z.object({
    service: z.string(),
    version: z.string(),
    kind: z.string(),
    bucket: count,
    requests: count,
    errors: count,
  }),
};

/** Server spans with an arm stamp, per stamp. */
export const storedArmsQuestion: Question<StoredArmRow> = {
  sql: `SELECT run, epoch, arm, count() AS requests
  ${window} AND kind = 'Server' AND arm != ''
  GROUP BY run, epoch, arm
  ORDER BY run, epoch, arm`,
  row: z.object({ run: z.string(), epoch: count, arm: z.string(), requests: count }),
};

/** Buckets folded into one row per service, version and kind, in the order of their first bucket. */
export function redRows(
  buckets: readonly RedBucket[],
  by: RedGrouping = 'version',
): readonly RedRow[] {
  const groups = new Map<string, [RedBucket, ...RedBucket[]]>();
  for (const found of buckets) {
    // Of a service without its version: the buckets are the same everywhere, so they may be put together.
    const bucket = by === 'version' ? found : { ...found, version: '' };
    const key = JSON.stringify([bucket.service, bucket.version, bucket.kind]);
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [bucket]);
    else group.push(bucket);
  }
  return [...groups.values()].map((group) => {
    group.sort((a, b) => a.bucket - b.bucket);
    const [{ service, version, kind }] = group;
    const quantile = (q: number): number => bucketQuantile(group, q) / 1e6;
    return {
      service,
      version,
      kind,
      requests: group.reduce((sum, bucket) => sum + bucket.requests, 0),
      errors: group.reduce((sum, bucket) => sum + bucket.errors, 0),
      p50: quantile(0.5),
      p95: quantile(0.95),
      p99: quantile(0.99),
    };
  });
}

/**
 * The q-quantile (nearest rank) as the geometric middle of its bucket, in nanoseconds: within
 * 2.2 % of the exact one, and the same on every engine.
 * @param buckets Ordered by bucket; not empty.
 * @param q In (0, 1].
 */
export function bucketQuantile(
  buckets: readonly Pick<RedBucket, 'bucket' | 'requests'>[],
  q: number,
): number {
  const total = buckets.reduce((sum, bucket) => sum + bucket.requests, 0);
  const rank = Math.ceil(q * total);
  let seen = 0;
  for (const { bucket, requests } of buckets) {
    seen += requests;
    if (seen >= rank) return bucketRatio ** (bucket + 0.5);
  }
  return 0;
}

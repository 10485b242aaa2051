import { z } from 'zod';

const statistics = z.object({
  stats: z.array(z.object({ name: z.string(), value: z.number() }).partial()),
});

/**
 * Requests that an Envoy has completed per version, from its own counters.
 * @param json what `/stats?format=json` answers.
 * @param cluster fits the names of the clusters of the versions; its first group is the version.
 */
export function completedRequests(json: string, cluster: RegExp): Map<string, number> {
  const counts = new Map<string, number>();
  for (const { name = '', value = 0 } of statistics.parse(JSON.parse(json)).stats) {
    const of = /^cluster\.(.+)\.upstream_rq_completed$/.exec(name)?.[1] ?? '';
    const version = cluster.exec(of)?.[1];
    if (version !== undefined) counts.set(version, value);
  }
  return counts;
}

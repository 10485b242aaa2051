import { restEndsMs } from '../../knative/events.ts';
import { nodeOf } from './evidence-rows.ts';

/** How far a source counts, by its newest report that does. */
export interface Standing {
  readonly source: string;
  /** When its newest report came, Unix ms. */
  readonly heardAt: number;
  readonly watermarkMs: number;
  /** Its newest report says so. That need not wait for those before: who rests has no cells that were not accepted. */
  readonly resting: boolean;
}

/** How long it may take until a source that rested tells of its first request, ms. */
const wakeMs = 5_000;

/**
 * Smallest watermark of the sources that report. Those that rest hold nothing back; if there are no others, all is counted that began
 * some seconds ago. A rest ends with the time, and when another start of its node reports: undefined is silence.
 * @param standings of all that reported within {@link restEndsMs}, and maybe more.
 */
export function joinWatermarks(
  standings: readonly Standing[],
  now: number,
  staleAfterMs: number,
): number | undefined {
  const reporting = standings.filter((one) => !one.resting && one.heardAt >= now - staleAfterMs);
  if (reporting.length > 0) return Math.min(...reporting.map(({ watermarkMs }) => watermarkMs));
  const byNode = Map.groupBy(standings, ({ source }) => nodeOf(source));
  const rests = [...byNode.values()].some((starts) => {
    const heardAt = Math.max(...starts.map((one) => one.heardAt));
    const newest = starts.filter((one) => one.heardAt === heardAt);
    return heardAt >= now - restEndsMs && newest.every(({ resting }) => resting);
  });
  return rests ? now - wakeMs : undefined;
}

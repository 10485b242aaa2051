import type { DemoReport } from '../../../cloverctl/demo/report.ts';
import { renderTable } from '../../../cloverctl/demo/render.ts';

/** What a cluster adds to the story. */
export interface ClusterFacts {
  /** Functions that had no pod when the story began, and were woken in it. */
  readonly woken: readonly string[];
  /** Events that the broker could give to no function. */
  readonly deadLetters: number;
}

/** The JSON document of the demo on a cluster. */
export interface ClusterDemoReport extends DemoReport, ClusterFacts {}

/** Functions without which there is no story: events have to wake each of them. */
const needed = ['evaluate', 'ingest', 'policy'];

/** The whole document; `ok` only if the story is, events have woken the functions that it needs, and none was left over. */
export function reportClusterDemo(
  story: DemoReport,
  { woken, deadLetters }: ClusterFacts,
): ClusterDemoReport {
  const isAwake = needed.every((name) => woken.includes(name));
  return { ...story, ok: story.ok && isAwake && deadLetters === 0, woken, deadLetters };
}

/** The table of what only a cluster has: of each function whether it was woken, and the dead letters. */
export function renderCluster(
  { woken, deadLetters }: ClusterFacts,
  functions: readonly string[],
): string[] {
  const rows = functions.map((name) => [
    name,
    woken.includes(name) ? 'yes' : needed.includes(name) ? 'NO, and it has to be' : 'no',
  ]);
  return [
    ...renderTable([['FUNCTION', 'WOKEN FROM ZERO'], ...rows]),
    `dead letters: ${deadLetters}${deadLetters === 0 ? '' : ', and there may be none'}`,
  ];
}

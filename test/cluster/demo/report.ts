import type { DemoReport } from '../../../cloverctl/demo/report.ts';
import { renderTable } from '../../../cloverctl/demo/render.ts';
import { catalogue, type FunctionEntry } from '../../../knative/catalogue.ts';
import type { Verdict } from '../../../knative/resources/experiment.ts';

/** What a cluster adds to the story. */
export interface ClusterFacts {
  /** Functions that had no pod when the story began, and were woken in it. */
  readonly woken: readonly string[];
  /** By experiment the verdict that `kubectl get experiments -w` has printed. */
  readonly watched: Readonly<Partial<Record<string, Verdict>>>;
  /** Of each event that the broker could give to no function what it was, who did not take it, and why. */
  readonly deadLetters: readonly string[];
}

/** The JSON document of the demo on a cluster. */
export interface ClusterDemoReport extends DemoReport, ClusterFacts {}

/** What wakes a function while nothing ticks; undefined: nothing that is Clover's, it is asked from outside. */
function wakerOf({ triggers, direct }: FunctionEntry): string | undefined {
  if (triggers.length > 0) return 'events of the Broker';
  return direct.length > 0 ? 'agents' : undefined;
}

/** What Knative says of an event that it gave up: its attributes, and those that a dead letter has beside them. */
export function describeLetter(attributes: Readonly<Partial<Record<string, string>>>): string {
  const { type, subject, knativeerrordest, knativeerrorcode, knativeerrordata } = attributes;
  const what = `${type} of ${subject ?? 'nothing'}`;
  if (knativeerrordest === undefined) return `${what}, with ${JSON.stringify(attributes)}`;
  const answer = Buffer.from(knativeerrordata ?? '', 'base64').toString();
  return `${what}, not taken by ${knativeerrordest}: ${knativeerrorcode} ${answer}`.trimEnd();
}

/**
 * The whole document; `ok` only if the story is, kubectl has printed its verdicts, events and agents have woken each function that
 * is there for them, and no event was left over.
 */
export function reportClusterDemo(story: DemoReport, facts: ClusterFacts): ClusterDemoReport {
  const { woken, watched, deadLetters } = facts;
  const isAwake = catalogue.every(
    (entry) => wakerOf(entry) === undefined || woken.includes(entry.name),
  );
  const isSeen = story.experiments.every(({ name, verdict }) => watched[name] === verdict);
  return { ...story, ...facts, ok: story.ok && isAwake && isSeen && deadLetters.length === 0 };
}

/** The table of what only a cluster has: of each function what has woken it, the verdicts that kubectl printed, and the dead letters. */
export function renderCluster({ woken, watched, deadLetters }: ClusterFacts): string[] {
  const rows = catalogue.map((entry) => {
    const waker = wakerOf(entry);
    if (woken.includes(entry.name)) return [entry.name, waker ?? 'requests'];
    return [entry.name, waker === undefined ? 'nothing' : `NOTHING, and ${waker} have to`];
  });
  const verdicts = Object.entries(watched).map(([name, verdict]) => `${name} ${verdict}`);
  return [
    ...renderTable([['FUNCTION', 'WOKEN FROM ZERO BY'], ...rows]),
    `kubectl get experiments -w: ${verdicts.join(', ') || 'NO VERDICT'}`,
    `dead letters: ${deadLetters.length}${deadLetters.length === 0 ? '' : ', and there may be none'}`,
    ...deadLetters.map((letter) => `  ${letter}`),
  ];
}

import type { KubernetesEvent } from '../../knative/kubernetes-event.ts';
import type { ExperimentRun, ExperimentRunStatus } from '../../knative/resources/experiment-run.ts';
import type { AnyResource } from '../../knative/resources/kinds.ts';
import type { Condition } from '../../knative/resources/meta.ts';
import { effectText } from '../../functions/lib/effect-text.ts';
import { coloured, stateTone } from './colour.ts';
import { table, type TableLook } from './table.ts';
import { ago, printable } from './text.ts';

/** An object, and what `describe` tells beside it. */
export interface Described {
  readonly object: AnyResource;
  /** The newest run of an experiment. */
  readonly run?: ExperimentRun;
  /** What happened to it, newest first. */
  readonly events: readonly KubernetesEvent[];
}

/** What `describe` needs of its surroundings. */
export interface DescriptionTools {
  /** Unix milliseconds. */
  readonly now: number;
  /** A value as YAML. */
  readonly yaml: (value: unknown) => string;
  /** Whether states are in their colours. */
  readonly colour: boolean;
}

/** Lines that tell everything about an object, what happened to it last. Control characters are escaped. */
export function description(
  { object, run, events }: Described,
  { now, yaml, colour }: DescriptionTools,
): string[] {
  const look = { colour };
  const { metadata, kind } = object;
  const facts: [string, string][] = [
    ['Name', metadata.name],
    ['Namespace', metadata.namespace],
    ['Kind', kind],
    ['Created', metadata.creationTimestamp],
    ['Generation', String(metadata.generation)],
    ...entries('Label', metadata.labels),
    ...entries('Annotation', metadata.annotations),
    ...(metadata.finalizers ?? []).map((name): [string, string] => ['Finalizer', name]),
  ];
  if (metadata.deletionTimestamp !== undefined) facts.push(['Deleted', metadata.deletionTimestamp]);
  const width = Math.max(...facts.map(([key]) => key.length)) + 1;
  return [
    ...facts.map(([key, value]) => `${`${key}:`.padEnd(width + 1)} ${value}`).map(printable),
    ...section('Spec', yaml(object.spec).trimEnd().split('\n').map(printable)),
    ...runSections(object.kind === 'ExperimentRun' ? object.status : run?.status, look),
    ...section('Conditions', conditionLines(object.status.conditions ?? [], look)),
    ...section('Events', eventLines(events, now, look)),
  ];
}

/** As kubectl's: the newest at the end, with how often and since when it is seen. */
function eventLines(events: readonly KubernetesEvent[], now: number, look: TableLook): string[] {
  if (events.length === 0) return [];
  return table(
    [
      { head: 'TYPE', cell: ({ type }) => type, tone: stateTone },
      { head: 'REASON', cell: ({ reason }) => reason },
      { head: 'AGE', cell: (event) => eventAge(event, now) },
      { head: 'FROM', cell: ({ reportingController }) => reportingController },
      { head: 'MESSAGE', cell: ({ note }) => note },
    ],
    events.toReversed(),
    look,
  );
}

function eventAge({ eventTime, series }: KubernetesEvent, now: number): string {
  const first = ago(Date.parse(eventTime), now);
  if (series === undefined) return first;
  return `${ago(Date.parse(series.lastObservedTime), now)} (x${series.count} over ${first})`;
}

function runSections(status: ExperimentRunStatus | undefined, look: TableLook): string[] {
  if (status === undefined) return [];
  const { evidence, intents = [] } = status;
  const states = [status.phase ?? 'Pending', status.verdict ?? ''].map((state) => {
    const tone = look.colour === true ? stateTone(state) : undefined;
    return tone === undefined ? printable(state) : coloured(printable(state), tone);
  });
  const verdict = [...states, printable(status.reason ?? '')].filter(Boolean);
  return [
    ...section('Run', [verdict.join(', ')]),
    ...section(
      'Timeline',
      [
        `started   ${status.startedAt ?? '-'}`,
        `judged    ${status.judgedFrom ?? '-'}`,
        `verdict   ${status.verdictAt ?? '-'}`,
        `ended     ${status.endedAt ?? '-'}`,
      ].map(printable),
    ),
    ...section(
      'Evidence',
      evidence === undefined
        ? []
        : [
            `samples   control ${evidence.samples.control}, variant ${evidence.samples.variant}`,
            `errors    control ${evidence.errors.control}, variant ${evidence.errors.variant}`,
            `stuck     ${evidence.stuck}`,
            `missing   ${evidence.missing}`,
            printable(`window    ${evidence.window.from} to ${evidence.window.to}`),
            ...evidence.effects.map((effect) => `effect    ${printable(effectText(effect))}`),
          ],
    ),
    ...section(
      'Intents',
      intents.length === 0
        ? []
        : table(
            [
              { head: 'EPOCH', cell: ({ epoch }) => String(epoch), align: 'right' },
              { head: 'VARIANT', cell: ({ variantWeight }) => `${variantWeight}%`, align: 'right' },
              {
                head: 'FAULT',
                cell: ({ fault }) => (fault === undefined ? '-' : JSON.stringify(fault)),
              },
              { head: 'AT', cell: ({ at }) => at },
            ],
            intents,
          ),
    ),
  ];
}

/** Conditions whose True is as good as their False. */
const neutral: ReadonlySet<string> = new Set(['OverlayActive']);

function conditionLines(conditions: readonly Condition[], look: TableLook): string[] {
  if (conditions.length === 0) return [];
  return table(
    [
      { head: 'TYPE', cell: ({ type }) => type },
      {
        head: 'STATUS',
        cell: ({ status }) => status,
        tone: (text, { type }) => (neutral.has(type) ? undefined : stateTone(text)),
      },
      { head: 'REASON', cell: ({ reason }) => reason },
      { head: 'SINCE', cell: ({ lastTransitionTime }) => lastTransitionTime },
      { head: 'MESSAGE', cell: ({ message }) => message },
    ],
    conditions,
    look,
  );
}

function section(title: string, lines: readonly string[]): string[] {
  return [`${title}:`, ...(lines.length === 0 ? ['<none>'] : lines).map((line) => `  ${line}`)];
}

function entries(
  title: string,
  values: Readonly<Record<string, string>> | undefined,
): [string, string][] {
  return Object.entries(values ?? {}).map(([key, value]) => [title, `${key}=${value}`]);
}

import type { Experiment } from '../../knative/resources/experiment.ts';
import type { ExperimentRun } from '../../knative/resources/experiment-run.ts';
import type { AnyResource, Kind } from '../../knative/resources/kinds.ts';
import type { Condition } from '../../knative/resources/meta.ts';
import type { Tap } from '../../knative/resources/tap.ts';
import type { TrafficPolicy } from '../../knative/resources/traffic-policy.ts';
import { effectText } from '../../functions/lib/effect-text.ts';
import { stateTone } from './colour.ts';
import { ago } from './text.ts';
import type { Column } from './table.ts';

const none = '<none>';

/** `True`, `False`, or `Unknown` while nobody has said. */
export function conditionStatus(
  conditions: readonly Condition[] | undefined,
  type: string,
): string {
  return conditions?.find((condition) => condition.type === type)?.status ?? 'Unknown';
}

function conditionReason(conditions: readonly Condition[] | undefined, type: string): string {
  return conditions?.find((condition) => condition.type === type)?.reason ?? '-';
}

const trafficPolicy: readonly Column<TrafficPolicy>[] = [
  { head: 'HOST', cell: ({ spec }) => spec.target.host },
  { head: 'PORT', cell: ({ spec }) => String(spec.target.port) },
  { head: 'VERSIONS', cell: ({ spec }) => spec.versions.map((version) => version.name).join(',') },
  {
    head: 'ACCEPTED',
    cell: ({ status }) => conditionStatus(status.conditions, 'Accepted'),
    tone: stateTone,
  },
  {
    head: 'PROGRAMMED',
    cell: ({ status }) => conditionStatus(status.conditions, 'Programmed'),
    tone: stateTone,
  },
  {
    head: 'REASON',
    cell: ({ status }) => conditionReason(status.conditions, 'Programmed'),
    wide: true,
  },
  { head: 'RULES', cell: ({ spec }) => String(spec.rules.length), wide: true },
  { head: 'SNAPSHOT', cell: ({ status }) => String(status.snapshot ?? none), wide: true },
  { head: 'OVERLAYS', cell: ({ status }) => status.overlays?.join(',') || none, wide: true },
];

const experiment: readonly Column<Experiment>[] = [
  { head: 'TARGET', cell: ({ spec }) => spec.targetRef.name },
  { head: 'CONTROL', cell: ({ spec }) => spec.control },
  { head: 'VARIANT', cell: ({ spec }) => spec.variant },
  { head: 'PHASE', cell: ({ status }) => status.phase ?? 'Pending', tone: stateTone },
  { head: 'STEP', cell: ({ status }) => status.step ?? '-' },
  {
    head: 'WEIGHT',
    cell: ({ status }) => (status.weight === undefined ? '-' : `${status.weight}%`),
  },
  { head: 'VERDICT', cell: ({ status }) => status.verdict ?? '-', tone: stateTone },
  {
    head: 'REASON',
    cell: ({ status }) => conditionReason(status.conditions, 'Progressing'),
    wide: true,
  },
  { head: 'RUN', cell: ({ status }) => status.run ?? none, wide: true },
];

const experimentRun = (now: () => number): readonly Column<ExperimentRun>[] => [
  { head: 'EXPERIMENT', cell: ({ spec }) => spec.experiment.name },
  { head: 'PHASE', cell: ({ status }) => status.phase ?? 'Pending', tone: stateTone },
  { head: 'WEIGHT', cell: ({ status }) => `${status.intent?.variantWeight ?? 0}%` },
  { head: 'VERDICT', cell: ({ status }) => status.verdict ?? '-', tone: stateTone },
  {
    head: 'SAMPLES',
    cell: ({ status: { evidence } }) =>
      evidence === undefined ? '0/0' : `${evidence.samples.control}/${evidence.samples.variant}`,
  },
  {
    head: 'EFFECTS',
    cell: ({ status }) => status.evidence?.effects.map(effectText).join('; ') || '-',
    wide: true,
  },
  { head: 'STARTED', cell: ({ status }) => agoOrNone(status.startedAt, now), wide: true },
  { head: 'ENDED', cell: ({ status }) => agoOrNone(status.endedAt, now), wide: true },
  { head: 'LOOK', cell: ({ status }) => String(status.look?.number ?? '-'), wide: true },
  { head: 'REASON', cell: ({ status }) => status.reason ?? '-', wide: true },
];

const tap: readonly Column<Tap>[] = [
  {
    head: 'SELECTOR',
    cell: ({ spec }) =>
      Object.entries(spec.selector.matchLabels)
        .map(([key, value]) => `${key}=${value}`)
        .join(',') || '<all>',
  },
  { head: 'PORTS', cell: ({ spec }) => spec.ports?.join(',') ?? '<all>' },
  { head: 'PODS', cell: ({ status }) => String(status.pods ?? '-'), align: 'right' },
  { head: 'TRACED', cell: ({ status }) => conditionStatus(status.conditions, 'Traced') },
  {
    head: 'REASON',
    cell: ({ status }) => conditionReason(status.conditions, 'Traced'),
    wide: true,
  },
];

function agoOrNone(time: string | undefined, now: () => number): string {
  return time === undefined ? none : ago(Date.parse(time), now());
}

/** Columns of a kind for `get`. */
export function columnsOf(
  kind: Kind,
  options: {
    readonly wide: boolean;
    readonly namespaces: boolean;
    readonly now: () => number;
    /** How an object is called in the first column. Default: by its name. */
    readonly named?: (name: string) => string;
  },
): readonly Column<AnyResource>[] {
  const { named = (name) => name } = options;
  const own: Readonly<Record<Kind, readonly Column<AnyResource>[]>> = {
    Experiment: experiment.map((column) => guarded('Experiment', column)),
    ExperimentRun: experimentRun(options.now).map((column) => guarded('ExperimentRun', column)),
    Tap: tap.map((column) => guarded('Tap', column)),
    TrafficPolicy: trafficPolicy.map((column) => guarded('TrafficPolicy', column)),
  };
  const all: Column<AnyResource>[] = [
    ...(options.namespaces
      ? [
          {
            head: 'NAMESPACE',
            cell: ({ metadata }: AnyResource) => metadata.namespace,
            whole: true,
          },
        ]
      : []),
    { head: 'NAME', cell: ({ metadata }) => named(metadata.name), whole: true },
    ...own[kind],
    {
      head: 'AGE',
      cell: ({ metadata }) => ago(Date.parse(metadata.creationTimestamp), options.now()),
      whole: true,
    },
  ];
  return all.filter(({ wide = false }) => options.wide || !wide);
}

function guarded<T extends AnyResource>(kind: T['kind'], column: Column<T>): Column<AnyResource> {
  const fits = (object: AnyResource): object is T => object.kind === kind;
  const { tone, ...rest } = column;
  return {
    ...rest,
    cell: (object) => (fits(object) ? column.cell(object) : ''),
    ...(tone === undefined
      ? {}
      : { tone: (text, object) => (fits(object) ? tone(text, object) : undefined) }),
  };
}

import type { ExperimentRun } from './experiment-run.ts';
import type { Experiment } from './experiment.ts';
import type { Tap } from './tap.ts';
import type { TrafficPolicy } from './traffic-policy.ts';

/** Every kind with its stored type. */
export interface KindMap {
  Experiment: Experiment;
  ExperimentRun: ExperimentRun;
  Tap: Tap;
  TrafficPolicy: TrafficPolicy;
}

/** Name of a kind. */
export type Kind = keyof KindMap;

/** Any stored object. */
export type AnyResource = KindMap[Kind];

/** How a kind is spelled; {@link schemasOf} has how it is checked. */
export interface KindInfo {
  readonly kind: Kind;
  readonly plural: string;
  readonly singular: string;
  readonly shortNames: readonly string[];
  /** Users may write it; others are written by Clover alone. */
  readonly writable: boolean;
  /** What the kind is for, in a sentence. */
  readonly description: string;
  /** What `kubectl get` shows beside name and age. */
  readonly columns: readonly PrinterColumn[];
  /** Fields that `kubectl get --field-selector` takes beside name and namespace, from the object on. */
  readonly selectable: readonly string[];
}

/** A column of `kubectl get`. */
export interface PrinterColumn {
  readonly name: string;
  readonly type: 'date' | 'integer' | 'number' | 'string';
  /** From the object on, as `kubectl` reads it. */
  readonly jsonPath: string;
  /** 1: only with `-o wide`. */
  readonly priority?: 1;
}

const ofCondition = (type: string): string => `.status.conditions[?(@.type=="${type}")]`;
const statusOf = (type: string): string => `${ofCondition(type)}.status`;
const reasonOf = (type: string): string => `${ofCondition(type)}.reason`;

/** The kinds, in alphabetical order. */
export const kinds: readonly KindInfo[] = [
  {
    kind: 'Experiment',
    plural: 'experiments',
    singular: 'experiment',
    shortNames: ['exp'],
    writable: true,
    description: 'Compares two versions of a service on real traffic, and keeps the good one.',
    columns: [
      { name: 'Target', type: 'string', jsonPath: '.spec.targetRef.name' },
      { name: 'Control', type: 'string', jsonPath: '.spec.control' },
      { name: 'Variant', type: 'string', jsonPath: '.spec.variant' },
      { name: 'Phase', type: 'string', jsonPath: '.status.phase' },
      { name: 'Step', type: 'string', jsonPath: '.status.step' },
      { name: 'Weight', type: 'number', jsonPath: '.status.weight' },
      { name: 'Verdict', type: 'string', jsonPath: '.status.verdict' },
      { name: 'Reason', type: 'string', jsonPath: reasonOf('Progressing'), priority: 1 },
      { name: 'Run', type: 'string', jsonPath: '.status.run', priority: 1 },
    ],
    selectable: ['.spec.targetRef.name', '.status.phase', '.status.verdict'],
  },
  {
    kind: 'ExperimentRun',
    plural: 'experimentruns',
    singular: 'experimentrun',
    shortNames: ['run'],
    writable: false,
    description:
      'One execution of an Experiment. Clover makes it; it never changes. An Experiment keeps the newest, the ten before it, and one that traffic still follows.',
    columns: [
      { name: 'Experiment', type: 'string', jsonPath: '.spec.experiment.name' },
      { name: 'Phase', type: 'string', jsonPath: '.status.phase' },
      { name: 'Weight', type: 'number', jsonPath: '.status.intent.variantWeight' },
      { name: 'Verdict', type: 'string', jsonPath: '.status.verdict' },
      { name: 'Started', type: 'date', jsonPath: '.status.startedAt', priority: 1 },
      { name: 'Ended', type: 'date', jsonPath: '.status.endedAt', priority: 1 },
      { name: 'Look', type: 'integer', jsonPath: '.status.look.number', priority: 1 },
      { name: 'Reason', type: 'string', jsonPath: '.status.reason', priority: 1 },
    ],
    selectable: ['.spec.experiment.name', '.status.phase', '.status.verdict'],
  },
  {
    kind: 'Tap',
    plural: 'taps',
    singular: 'tap',
    shortNames: [],
    writable: true,
    description: 'Selects the pods of its namespace, and their ports, that agents trace.',
    columns: [
      { name: 'Selector', type: 'string', jsonPath: '.spec.selector.matchLabels' },
      { name: 'Ports', type: 'string', jsonPath: '.spec.ports' },
      { name: 'Pods', type: 'integer', jsonPath: '.status.pods' },
      { name: 'Traced', type: 'string', jsonPath: statusOf('Traced') },
      { name: 'Reason', type: 'string', jsonPath: reasonOf('Traced'), priority: 1 },
    ],
    selectable: [],
  },
  {
    kind: 'TrafficPolicy',
    plural: 'trafficpolicies',
    singular: 'trafficpolicy',
    shortNames: ['tp'],
    writable: true,
    description: 'Says where the requests for one service go.',
    columns: [
      { name: 'Host', type: 'string', jsonPath: '.spec.target.host' },
      { name: 'Port', type: 'integer', jsonPath: '.spec.target.port' },
      { name: 'Accepted', type: 'string', jsonPath: statusOf('Accepted') },
      { name: 'Programmed', type: 'string', jsonPath: statusOf('Programmed') },
      { name: 'Reason', type: 'string', jsonPath: reasonOf('Programmed'), priority: 1 },
      { name: 'Snapshot', type: 'integer', jsonPath: '.status.snapshot', priority: 1 },
      { name: 'Overlays', type: 'string', jsonPath: '.status.overlays', priority: 1 },
    ],
    selectable: ['.spec.target.host'],
  },
];

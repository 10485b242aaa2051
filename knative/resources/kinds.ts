import { z } from 'zod';
import { experimentRunSpec, type ExperimentRun } from './experiment-run.ts';
import { experimentSpec, type Experiment } from './experiment.ts';
import { apiVersion, metadataInput } from './meta.ts';
import { tapSpec, type Tap } from './tap.ts';
import { trafficPolicySpec, type TrafficPolicy } from './traffic-policy.ts';

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

/** How a kind is spelled and checked. */
export interface KindInfo {
  readonly kind: Kind;
  readonly plural: string;
  readonly singular: string;
  readonly shortNames: readonly string[];
  /** Users may write it; others are written by Clover alone. */
  readonly writable: boolean;
  /** Schema of a whole document as a user writes it. */
  readonly document: z.ZodType;
}

const document = (kind: Kind, spec: z.ZodType): z.ZodType =>
  z.strictObject({
    apiVersion: z.literal(apiVersion),
    kind: z.literal(kind),
    metadata: metadataInput,
    spec,
  });

/** The kinds, in alphabetical order. */
export const kinds: readonly KindInfo[] = [
  {
    kind: 'Experiment',
    plural: 'experiments',
    singular: 'experiment',
    shortNames: ['exp'],
    writable: true,
    document: document('Experiment', experimentSpec),
  },
  {
    kind: 'ExperimentRun',
    plural: 'experimentruns',
    singular: 'experimentrun',
    shortNames: ['run'],
    writable: false,
    document: document('ExperimentRun', experimentRunSpec),
  },
  {
    kind: 'Tap',
    plural: 'taps',
    singular: 'tap',
    shortNames: [],
    writable: true,
    document: document('Tap', tapSpec),
  },
  {
    kind: 'TrafficPolicy',
    plural: 'trafficpolicies',
    singular: 'trafficpolicy',
    shortNames: ['tp'],
    writable: true,
    document: document('TrafficPolicy', trafficPolicySpec),
  },
];

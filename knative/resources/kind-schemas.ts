import { z } from 'zod';
import { experimentRunSpec, experimentRunStatus } from './experiment-run.ts';
import { experimentSpec, experimentStatus } from './experiment.ts';
import type { Kind } from './kinds.ts';
import { metadataInput } from './meta-schemas.ts';
import { apiVersion } from './meta.ts';
import { tapSpec, tapStatus } from './tap.ts';
import { trafficPolicySpec, trafficPolicyStatus } from './traffic-policy.ts';

/** How objects of a kind are checked. */
export interface KindSchemas {
  readonly spec: z.ZodType;
  readonly status: z.ZodType;
  /** A whole document as a user writes it. */
  readonly document: z.ZodType;
}

const schemas = (kind: Kind, spec: z.ZodType, status: z.ZodType): KindSchemas => ({
  spec,
  status,
  document: z.strictObject({
    apiVersion: z.literal(apiVersion),
    kind: z.literal(kind),
    metadata: metadataInput,
    spec,
  }),
});

/** Of each kind. To make them takes a third of a cold start: load it where something is checked, and not before. */
export const schemasOf: Readonly<Record<Kind, KindSchemas>> = {
  Experiment: schemas('Experiment', experimentSpec, experimentStatus),
  ExperimentRun: schemas('ExperimentRun', experimentRunSpec, experimentRunStatus),
  Tap: schemas('Tap', tapSpec, tapStatus),
  TrafficPolicy: schemas('TrafficPolicy', trafficPolicySpec, trafficPolicyStatus),
};

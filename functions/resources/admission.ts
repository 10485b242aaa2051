import { z } from 'zod';
import { experimentSpec, type ExperimentSpec } from '../../knative/resources/experiment.ts';
import {
  kinds,
  type AnyResource,
  type Kind,
  type KindInfo,
} from '../../knative/resources/kinds.ts';
import { metadataInput } from '../../knative/resources/meta.ts';
import { tapSpec } from '../../knative/resources/tap.ts';
import { trafficPolicySpec } from '../../knative/resources/traffic-policy.ts';
import { canonicalJson } from '../lib/canonical-json.ts';
import { CloverError, type ErrorDetail } from '../lib/errors.ts';
import { fieldErrors, show } from './field-errors.ts';
import {
  duplicates,
  durationProblems,
  faultProblems,
  trafficPolicyProblems,
} from './policy-checks.ts';

const admitted = z.looseObject({ metadata: metadataInput, spec: z.unknown() });

/** What a document asks for, with every default filled in. */
export type Admitted = z.output<typeof admitted>;

/** How a kind is spelled and checked. */
export function kindInfo(kind: Kind): KindInfo {
  const info = kinds.find((candidate) => candidate.kind === kind);
  if (info === undefined) throw new CloverError('CLV_INTERNAL', `kind ${kind} has no entry`);
  return info;
}

/**
 * Checks a whole document by the schema of its kind and across its fields.
 * @throws CloverError CLV_RESOURCE_INVALID with every problem that was found.
 */
export function admitDocument(kind: Kind, document: unknown): Admitted {
  const schema = kindInfo(kind).document;
  const parsed = schema.safeParse(document);
  if (!parsed.success) {
    refuse(kind, nameOf(document), fieldErrors(schema, document, parsed.error.issues));
  }
  const result = admitted.parse(parsed.data);
  refuse(kind, result.metadata.name, specProblems[kind](result.spec));
  return result;
}

/**
 * Checks an admitted document against what is stored.
 * @param existing The object that it would replace.
 * @throws CloverError CLV_RESOURCE_INVALID.
 */
export function admitChange(
  kind: Kind,
  { metadata, spec }: Admitted,
  existing: AnyResource | undefined,
): void {
  if (kind !== 'ExperimentRun' || existing === undefined) return;
  if (canonicalJson(existing.spec) === canonicalJson(spec)) return;
  const message = 'is immutable; start another run by changing its Experiment';
  refuse(kind, metadata.name, [{ field: 'spec', message }]);
}

const specProblems: Readonly<Record<Kind, (spec: unknown) => ErrorDetail[]>> = {
  Experiment: (spec) => experimentProblems(experimentSpec.parse(spec)),
  ExperimentRun: () => [],
  Tap: (spec) =>
    duplicates(
      tapSpec.parse(spec).ports ?? [],
      (index) => `spec.ports[${index}]`,
      (port) => port,
    ),
  TrafficPolicy: (spec) => trafficPolicyProblems(trafficPolicySpec.parse(spec)),
};

function experimentProblems(spec: ExperimentSpec): ErrorDetail[] {
  return [
    ...spec.plan.flatMap(({ weight }, index) => {
      const before = spec.plan[index - 1]?.weight ?? 0;
      if (weight > before) return [];
      const message = `found ${weight}; must be more than the ${before} of the step before`;
      return [{ field: `spec.plan[${index}].weight`, message }];
    }),
    ...duplicates(
      spec.metrics,
      (index) => `spec.metrics[${index}]`,
      ({ type, role }) => `${type} ${role}`,
    ),
    ...durationProblems(spec.deadline, 'spec.deadline'),
    // No warm-up, and no watch, are wishes that one may have.
    ...durationProblems(spec.warmUp, 'spec.warmUp', 0),
    ...durationProblems(spec.watchAfter.duration, 'spec.watchAfter.duration', 0),
    ...spec.plan.flatMap(({ hold }, index) => durationProblems(hold, `spec.plan[${index}].hold`)),
    ...faultProblems(spec.drill?.fault, 'spec.drill.fault'),
  ];
}

function refuse(kind: Kind, name: string, details: readonly ErrorDetail[]): void {
  if (details.length === 0) return;
  const [first] = details;
  const more = details.length > 1 ? ` (and ${details.length - 1} more)` : '';
  throw new CloverError(
    'CLV_RESOURCE_INVALID',
    `${kind} ${name} is invalid: ${first?.field ?? ''}: ${first?.message ?? ''}${more}`,
    { details },
  );
}

const named = z.looseObject({ metadata: z.looseObject({ name: z.string() }) });

function nameOf(document: unknown): string {
  const parsed = named.safeParse(document);
  return parsed.success ? show(parsed.data.metadata.name) : '(without a name)';
}

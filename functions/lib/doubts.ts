import { experimentSpec, type ExperimentSpec } from '../../knative/resources/experiment.ts';
import type { Fault } from '../../knative/resources/fault.ts';
import type { Kind } from '../../knative/resources/kinds.ts';
import {
  trafficPolicySpec,
  type TrafficPolicySpec,
  type TrafficRule,
} from '../../knative/resources/traffic-policy.ts';
import { durationMs } from './duration.ts';
import type { ErrorDetail } from './errors.ts';

/**
 * What a spec may say, and surely does not mean: each with the field and what comes of it. Pure; nothing is refused for it.
 * @param spec One that its schema and its rules take; of what another version's schema takes nothing is said.
 */
export function doubts(kind: Kind, spec: unknown): ErrorDetail[] {
  if (kind === 'Experiment') {
    const { data } = experimentSpec.safeParse(spec);
    return data === undefined ? [] : ofExperiment(data);
  }
  if (kind !== 'TrafficPolicy') return [];
  const { data } = trafficPolicySpec.safeParse(spec);
  return data === undefined ? [] : ofPolicy(data);
}

/** As the judge holds a step that does not say how long. */
const defaultHold = '1m';

function ofExperiment({ metrics, plan, warmUp, deadline, drill }: ExperimentSpec): ErrorDetail[] {
  const before = plan.slice(0, -1);
  // A warm-up is a second at least.
  const untilLastMs = before.reduce(
    (sum, { hold = defaultHold }) => sum + durationMs(hold),
    Math.max(1_000, durationMs(warmUp)),
  );
  const last = plan.length - 1;
  const found: (ErrorDetail | undefined)[] = [
    metrics.some(({ role }) => role === 'objective')
      ? undefined
      : {
          field: 'spec.metrics',
          message: 'without an objective there is no PASS: it ends in FAIL, or at the deadline',
        },
    durationMs(deadline) > untilLastMs
      ? undefined
      : {
          field: 'spec.deadline',
          message: `${deadline} ends before the last step begins, after ${untilLastMs / 1_000} s: there is no PASS`,
        },
    plan[last]?.hold === undefined
      ? undefined
      : {
          field: `spec.plan[${last}].hold`,
          message: 'has no effect: the last step is held until the verdict',
        },
  ];
  return [
    ...found.filter((doubt) => doubt !== undefined),
    ...(drill === undefined ? [] : ofFault(drill.fault, 'spec.drill.fault')),
  ];
}

function ofPolicy({ rules }: TrafficPolicySpec): ErrorDetail[] {
  return rules.flatMap((rule, index) => ofRule(rule, `spec.rules[${index}]`));
}

function ofRule({ split, timeout }: TrafficRule, field: string): ErrorDetail[] {
  return split.flatMap(({ fault }, index) => {
    if (fault === undefined) return [];
    const place = `${field}.split[${index}].fault`;
    const { delay } = fault;
    const isTooLong =
      timeout !== undefined &&
      delay !== undefined &&
      delay.percent > 0 &&
      durationMs(delay.duration) >= durationMs(timeout);
    if (!isTooLong) return ofFault(fault, place);
    const message = `${delay.duration} is no shorter than the timeout of the rule, ${timeout}: who feels it hears 504`;
    return [...ofFault(fault, place), { field: `${place}.delay.duration`, message }];
  });
}

function ofFault({ delay, abort }: Fault, field: string): ErrorDetail[] {
  return Object.entries({ delay, abort })
    .filter(([, part]) => part?.percent === 0)
    .map(([name]) => ({
      field: `${field}.${name}.percent`,
      message: 'is 0: no request feels the fault',
    }));
}

import { conditionMessageMax } from '../../knative/resources/condition-message.ts';
import type { TrafficPolicyStatus } from '../../knative/resources/traffic-policy.ts';
import { withConditions, type Claim } from '../lib/conditions.ts';
import type { ErrorDetail } from '../lib/errors.ts';
import { detailText } from '../lib/problem-words.ts';
import type { PolicyOutcome } from '../mesh/target.ts';
import type { CompiledPolicy } from './compile.ts';

/** What a status is made of. */
export interface StatusInput {
  readonly compiled: CompiledPolicy;
  /** Undefined when it was not accepted. */
  readonly outcome: PolicyOutcome | undefined;
  /** Unix milliseconds. */
  readonly now: number;
}

type Finding = Omit<Claim, 'type'>;

/** The policy's status as it should be. Equal facts give an equal status, times included. */
export function policyStatus(input: StatusInput): TrafficPolicyStatus {
  const { compiled, outcome } = input;
  const { generation } = compiled.policy.metadata;
  const before = compiled.policy.status;
  const programmed = programmedFinding(input);
  const snapshot = programmed.status === 'True' ? outcome?.version : before.snapshot;

  const claims: Claim[] = [
    { type: 'Accepted', ...acceptedFinding(compiled) },
    { type: 'OverlayActive', ...overlayFinding(compiled) },
    { type: 'Programmed', ...programmed },
  ];
  return {
    observedGeneration: generation,
    ...(snapshot !== undefined && { snapshot }),
    ...(outcome && { renderedHash: outcome.hash }),
    overlays: compiled.overlays.map(({ run }) => run),
    conditions: withConditions(before.conditions, claims, generation, input.now),
  };
}

function acceptedFinding({ conflict, unfit, fitting, policy }: CompiledPolicy): Finding {
  if (unfit !== undefined) return { status: 'False', reason: 'Unsupported', message: unfit };
  if (conflict === undefined) return partly(fitting.ignored);
  const { host, port } = policy.spec.target;
  return {
    status: 'False',
    reason: 'TargetConflict',
    message: `spec.target: host "${host}" on port ${port} belongs to the older policy ${conflict}: use another host or port, or delete that one`,
  };
}

function partly(ignored: readonly ErrorDetail[]): Finding {
  if (ignored.length === 0) return { status: 'True', reason: 'Accepted', message: '' };
  const message = `left out, as no request can fit it: ${ignored.map(detailText).join('; ')}`;
  return {
    status: 'True',
    reason: 'PartlyAccepted',
    message: message.slice(0, conditionMessageMax),
  };
}

const notAccepted: Finding = {
  status: 'False',
  reason: 'NotAccepted',
  message: 'see the condition Accepted',
};

function programmedFinding({ outcome }: StatusInput): Finding {
  if (outcome === undefined) return notAccepted;
  const { state, message, reason = 'GatewayRejected' } = outcome;
  if (state === 'acknowledged') return { status: 'True', reason: 'Programmed', message: '' };
  if (state === 'unknown') return { status: 'Unknown', reason: 'GatewayUnreachable', message };
  return { status: 'False', reason, message };
}

function overlayFinding({ conflict, unfit, overlays }: CompiledPolicy): Finding {
  if (conflict !== undefined || unfit !== undefined) return notAccepted;
  const waiting = overlays.filter(({ awaitsSpec }) => awaitsSpec);
  const names = overlays.map(({ run }) => run).join(', ');
  if (overlays.length === 0) {
    return { status: 'False', reason: 'NoRun', message: 'traffic is as the spec says' };
  }
  if (waiting.length < overlays.length) {
    return { status: 'True', reason: 'RunInProgress', message: `${names} over the spec` };
  }
  const wishes = waiting.map(
    ({ run, control, variant }) =>
      `${run} moved the traffic from ${control} to ${variant}: give ${control} no weight in spec.rules to agree`,
  );
  return { status: 'True', reason: 'AwaitingSpec', message: wishes.join('; ') };
}

import type { TrafficPolicyStatus } from '../../knative/resources/traffic-policy.ts';
import { withConditions, type Claim } from '../lib/conditions.ts';
import type { CompiledPolicy } from './compile.ts';

/** What the gateway did with the head. */
export type ProgramOutcome =
  | { readonly state: 'acknowledged' }
  | { readonly state: 'unknown'; readonly message: string }
  /** Refused part → reason; see `Gateway.apply`. */
  | { readonly state: 'rejected'; readonly parts: ReadonlyMap<string, string> };

/** What a status is made of. */
export interface StatusInput {
  readonly compiled: CompiledPolicy;
  readonly head: { readonly version: number; readonly hash: string };
  readonly outcome: ProgramOutcome;
  /** Unix milliseconds. */
  readonly now: number;
}

type Finding = Omit<Claim, 'type'>;

/** The policy's status as it should be. Equal facts give an equal status, times included. */
export function policyStatus(input: StatusInput): TrafficPolicyStatus {
  const { compiled, head } = input;
  const { generation } = compiled.policy.metadata;
  const before = compiled.policy.status;
  const programmed = programmedFinding(input);
  const snapshot = programmed.status === 'True' ? head.version : before.snapshot;

  const claims: Claim[] = [
    { type: 'Accepted', ...acceptedFinding(compiled) },
    { type: 'OverlayActive', ...overlayFinding(compiled) },
    { type: 'Programmed', ...programmed },
  ];
  return {
    observedGeneration: generation,
    ...(snapshot !== undefined && { snapshot }),
    renderedHash: head.hash,
    overlays: compiled.overlays.map(({ run }) => run),
    conditions: withConditions(before.conditions, claims, generation, input.now),
  };
}

function acceptedFinding({ conflict, policy }: CompiledPolicy): Finding {
  if (conflict === undefined) return { status: 'True', reason: 'Accepted', message: '' };
  const { host, port } = policy.spec.target;
  return {
    status: 'False',
    reason: 'TargetConflict',
    message: `spec.target: host "${host}" on port ${port} belongs to the older policy ${conflict}: use another host or port, or delete that one`,
  };
}

const notAccepted: Finding = {
  status: 'False',
  reason: 'NotAccepted',
  message: 'see the condition Accepted',
};

function programmedFinding({ compiled, outcome }: StatusInput): Finding {
  if (compiled.conflict !== undefined) return notAccepted;
  if (outcome.state === 'acknowledged') {
    return { status: 'True', reason: 'Programmed', message: '' };
  }
  if (outcome.state === 'unknown') {
    return { status: 'Unknown', reason: 'GatewayUnreachable', message: outcome.message };
  }
  const own = `routes/${compiled.policy.spec.target.port}`;
  const reason = [own, 'clusters', 'listeners'].flatMap((part) => outcome.parts.get(part) ?? [])[0];
  return reason === undefined
    ? { status: 'True', reason: 'Programmed', message: '' }
    : { status: 'False', reason: 'GatewayRejected', message: reason };
}

function overlayFinding({ conflict, overlays }: CompiledPolicy): Finding {
  if (conflict !== undefined) return notAccepted;
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

import type { ErrorDetail } from '../lib/errors.ts';
import { canonicalJson } from '../lib/canonical-json.ts';
import type { Lack } from './backend.ts';
import type { Ingress, IngressCondition } from './ingress-object.ts';

/** What is known of an Ingress on the data plane. */
export interface Verdict {
  /** Why nothing of it is rendered. */
  readonly problems: readonly ErrorDetail[];
  readonly lacks: readonly Lack[];
  /** An earlier state of it is served until its backends answer. */
  readonly isHeld: boolean;
  /** Every Envoy has been asked and has it. */
  readonly isProven: boolean;
  /** Envoy takes no requests. */
  readonly isDown: boolean;
  /** What Envoy said against the newest configuration. */
  readonly refusal?: string;
}

/** Names under which the two ports are reached within the cluster. */
export interface LoadBalancers {
  readonly external: string;
  readonly internal: string;
}

type Claim = Pick<IngressCondition, 'type' | 'status' | 'reason' | 'message'>;

/** Of a message; a status that is too long could not be stored at all. */
const mostCharacters = 2_000;

/**
 * The status that an Ingress should have, or undefined when it is as it should be. While an Envoy is only not asked yet, what
 * another controller has found stays.
 */
export function statusOf(
  { metadata, status = {}, spec }: Ingress,
  verdict: Verdict,
  loadBalancers: LoadBalancers,
  now: number,
): Ingress['status'] | undefined {
  const { generation } = metadata;
  const claims = claimsOf(verdict, (spec.tls ?? []).length > 0);
  const before = status.conditions ?? [];
  const isAsking = !verdict.isDown && claims.some(({ reason }) => reason === 'Probing');
  const wasReady = before.some((one) => one.type === 'Ready' && one.status === 'True');
  if (isAsking && wasReady && status.observedGeneration === generation) return undefined;
  const next = {
    observedGeneration: generation,
    conditions: claims.map((claim) => withTime(claim, before, now)),
    publicLoadBalancer: { ingress: [{ domainInternal: loadBalancers.external }] },
    privateLoadBalancer: { ingress: [{ domainInternal: loadBalancers.internal }] },
  };
  return canonicalJson(next) === canonicalJson(status) ? undefined : next;
}

/** By type, as Knative sorts them. */
function claimsOf(verdict: Verdict, hasTls: boolean): Claim[] {
  const balancer: Claim = verdict.isDown
    ? {
        type: 'LoadBalancerReady',
        status: 'Unknown',
        reason: 'EnvoyDown',
        message: 'Envoy takes no requests',
      }
    : { type: 'LoadBalancerReady', status: 'True' };
  const network = networkClaim(verdict, hasTls);
  const rank = ['False', 'Unknown'] as const;
  const worst = rank
    .map((status) => [balancer, network].find((claim) => claim.status === status))
    .find((claim) => claim !== undefined);
  const ready: Claim =
    worst === undefined ? { type: 'Ready', status: 'True' } : { ...worst, type: 'Ready' };
  return [balancer, network, ready];
}

function networkClaim(verdict: Verdict, hasTls: boolean): Claim {
  const { problems, lacks, isHeld, isProven, refusal } = verdict;
  const type = 'NetworkConfigured';
  const say = (status: Claim['status'], reason: string, message: string): Claim => ({
    type,
    status,
    reason,
    message: message.slice(0, mostCharacters),
  });
  if (problems.length > 0) {
    const found = problems.map(({ field, message }) => `${field}: ${message}`).join('; ');
    return say('False', 'NotRendered', found);
  }
  const lacking = lacks.map(({ message }) => message).join('; ');
  if (isHeld) {
    return say(
      'Unknown',
      'WaitingForEndpoints',
      'served as before until its backends have endpoints',
    );
  }
  if (!isProven) {
    return refusal === undefined
      ? say('Unknown', 'Probing', 'not every Envoy answers with this state yet')
      : say('Unknown', 'EnvoyRefused', refusal);
  }
  if (lacks.some(({ kind }) => kind === 'missing')) {
    return say('Unknown', 'BackendNotFound', lacking);
  }
  if (hasTls) {
    const message =
      'spec.tls: this network layer serves HTTP alone; switch external-domain-tls off in config-network, or end TLS before it';
    return say('False', 'TlsNotSupported', message);
  }
  // Knative: whether backends are ready is no part of it.
  return lacks.length > 0 ? say('True', 'NoEndpoints', lacking) : { type, status: 'True' };
}

/** The time moves only when the status does, as the Kubernetes API conventions ask. */
function withTime(
  claim: Claim,
  before: readonly IngressCondition[],
  now: number,
): IngressCondition {
  const known = before.find(({ type }) => type === claim.type);
  const kept = known?.status === claim.status ? known.lastTransitionTime : undefined;
  return {
    ...claim,
    lastTransitionTime: kept ?? new Date(now).toISOString().replace(/\.\d+Z$/, 'Z'),
  };
}

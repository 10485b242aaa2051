import { phase } from '../../knative/resources/experiment.ts';
import type { Kind } from '../../knative/resources/kinds.ts';

/** What a condition of a kind says with one status and reason. */
export interface ConditionMeaning {
  readonly type: string;
  readonly status: 'False' | 'True' | 'Unknown';
  readonly reason: string;
  readonly meaning: string;
}

const overlayOfRun: readonly ConditionMeaning[] = [
  overlay('True', 'RunActive', 'The run goes on: its weights lie over the spec of the policy.'),
  overlay('True', 'SpecDiffers', 'It succeeded; its weights lie over the spec until that agrees.'),
  overlay('True', 'RollingBack', 'It ended otherwise; the gateway still has a part of it.'),
  overlay(
    'False',
    'SpecAgrees',
    'It succeeded, and the spec sends the traffic to the variant by itself.',
  ),
  overlay('False', 'RolledBack', 'It ended otherwise: traffic follows the spec again.'),
];

const evidenceOfRun: readonly ConditionMeaning[] = [
  row(
    'EvidenceAvailable',
    'False',
    'EvidenceUnavailable',
    'The store of evidence does not answer: the run waits, and is INVALID after 90 s.',
  ),
  row('EvidenceAvailable', 'False', 'JudgingFailed', 'So is it when judging itself fails.'),
  row('EvidenceAvailable', 'True', 'Answers', 'The store answers again.'),
  row('EvidenceAvailable', 'Unknown', 'Complete', 'The run ended while it did not answer.'),
];

/** Every condition that Clover sets, by kind. */
export const conditionMeanings: Readonly<Record<Kind, readonly ConditionMeaning[]>> = {
  Experiment: [
    row('ResolvedRefs', 'True', 'Resolved', 'The policy exists, and has both versions.'),
    row('ResolvedRefs', 'False', 'TargetNotFound', 'There is no such TrafficPolicy.'),
    row('ResolvedRefs', 'False', 'TargetNotAccepted', 'The policy is not accepted itself.'),
    row(
      'ResolvedRefs',
      'False',
      'TargetNotProgrammed',
      'The policy has no Service, or the cluster no Istio.',
    ),
    row('ResolvedRefs', 'False', 'VersionNotFound', 'The policy lacks the control or the variant.'),
    ...phase.options
      .filter((name) => !['Succeeded', 'RolledBack', 'Failed'].includes(name))
      .map((name) => row('Progressing', 'True', name, 'The phase of the run that goes on.')),
    row('Progressing', 'False', 'RefsNotResolved', 'It waits for what `ResolvedRefs` names.'),
    row(
      'Progressing',
      'False',
      'SpecNotUnderstood',
      'Its spec has fields of a newer version of Clover: it waits for that.',
    ),
    row(
      'Progressing',
      'False',
      'AnotherRunActive',
      'It waits for an older run on the same traffic.',
    ),
    row('Progressing', 'False', 'EvidenceUnavailable', 'It cannot be judged now.'),
    row('Progressing', 'False', 'JudgingFailed', 'So is it when judging itself fails.'),
    row('Progressing', 'False', 'Complete', 'The run has ended.'),
    row('Complete', 'False', 'RunActive', 'The run goes on.'),
    row('Complete', 'True', 'Passed', 'The variant has the traffic.'),
    row('Complete', 'True', 'RolledBack', 'The control has the traffic again.'),
    row('Complete', 'True', 'Cancelled', 'It ended before it touched any traffic.'),
    row('Complete', 'True', 'DrillCaught', 'A drill: the judge said FAIL, as it should.'),
    row('Complete', 'True', 'DrillMissed', 'A drill: the judge did not say FAIL.'),
    overlay('False', 'NoIntent', 'The run has not touched any traffic.'),
    ...overlayOfRun,
    ...evidenceOfRun,
  ],
  ExperimentRun: [...overlayOfRun, ...evidenceOfRun],
  Tap: [
    row('Traced', 'True', 'Traced', 'Agents trace every pod that it selects on their nodes.'),
    row('Traced', 'True', 'PartlyTraced', 'They trace some; `cloverctl doctor` tells why not all.'),
    row('Traced', 'False', 'NotTraced', 'They trace none of them: so does it tell that.'),
    row(
      'Traced',
      'False',
      'NoPods',
      'No agent sees a pod of the namespace with these labels. Clover’s own pods and those of `agent.untapped` do not count.',
    ),
  ],
  TrafficPolicy: [
    row('Accepted', 'True', 'Accepted', 'It is a part of what the gateway is given.'),
    row(
      'Accepted',
      'True',
      'PartlyAccepted',
      'So it is, but for matches that no request can fit; the message names them.',
    ),
    row(
      'Accepted',
      'False',
      'TargetConflict',
      'An older policy has this host and port (Istio: this Service).',
    ),
    row('Accepted', 'False', 'Unsupported', 'The target cannot carry it; the message says why.'),
    row('Programmed', 'True', 'Programmed', 'The gateway has taken it.'),
    row('Programmed', 'False', 'NotAccepted', 'It was not accepted.'),
    row(
      'Programmed',
      'False',
      'GatewayRejected',
      'The gateway refused it, for the reason in the message.',
    ),
    row('Programmed', 'False', 'ForeignOwner', 'An object of the mesh in its way is not Clover’s.'),
    row('Programmed', 'False', 'TargetNotFound', 'There is no such Service, or it lacks the port.'),
    row('Programmed', 'False', 'MeshNotFound', 'The cluster has no Istio.'),
    row('Programmed', 'Unknown', 'GatewayUnreachable', 'The gateway does not answer.'),
    overlay('True', 'RunInProgress', 'A run moves its traffic.'),
    overlay('True', 'AwaitingSpec', 'A run succeeded; its weights stay until the spec agrees.'),
    overlay('False', 'NoRun', 'Traffic is as the spec says.'),
    overlay('False', 'NotAccepted', 'It was not accepted: it moves no traffic.'),
  ],
};

function row(
  type: string,
  status: ConditionMeaning['status'],
  reason: string,
  meaning: string,
): ConditionMeaning {
  return { type, status, reason, meaning };
}

function overlay(
  status: ConditionMeaning['status'],
  reason: string,
  meaning: string,
): ConditionMeaning {
  return row('OverlayActive', status, reason, meaning);
}

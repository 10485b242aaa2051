import type { Notification } from '../../knative/events.ts';
import type { ObjectReference } from '../../knative/kubernetes-event.ts';
import type { ExperimentRun } from '../../knative/resources/experiment-run.ts';
import type { Experiment, Verdict } from '../../knative/resources/experiment.ts';
import type { AnyResource } from '../../knative/resources/kinds.ts';
import type { Condition } from '../../knative/resources/meta.ts';
import type { TrafficPolicy } from '../../knative/resources/traffic-policy.ts';
import { effectText } from '../lib/effect-text.ts';
import type { Transition } from '../records/event-recorder.ts';

/** What an object's present state says that people may want to know. */
export interface Finding {
  readonly transition: Transition;
  readonly notification: Notification;
  /** Only worth a word after something else was said of the same matter. */
  readonly onlyAsChange: boolean;
}

/**
 * The findings about an object. They follow from its state alone: who looks twice, or late, finds
 * the same transitions.
 */
export function findingsOf(object: AnyResource): readonly Finding[] {
  switch (object.kind) {
    case 'ExperimentRun':
      return ofRun(object);
    case 'Experiment':
      return ofExperiment(object);
    case 'TrafficPolicy':
      return ofPolicy(object);
    default:
      return [];
  }
}

type Words = Pick<Notification, 'reason' | 'type' | 'action' | 'note'>;

const verdictReasons = {
  PASS: 'VerdictPass',
  FAIL: 'VerdictFail',
  INCONCLUSIVE: 'VerdictInconclusive',
  INVALID: 'VerdictInvalid',
} as const satisfies Record<Verdict, Notification['reason']>;

/** Told of the experiment, which people know; the run had a part in it. */
function ofRun(run: ExperimentRun): readonly Finding[] {
  const { name, uid } = run.spec.experiment;
  const regarding: ObjectReference = { ...referenceTo(run), kind: 'Experiment', name, uid };
  const find = (what: string, at: string | undefined, words: Words): readonly Finding[] =>
    at === undefined
      ? []
      : [
          {
            transition: { uid: run.metadata.uid, what, to: `${words.reason}@${at}` },
            notification: { ...words, at, regarding, related: referenceTo(run) },
            onlyAsChange: false,
          },
        ];
  const { control, variant } = run.spec.plan;
  const { startedAt } = run.status;
  return [
    ...find('Started', startedAt, {
      reason: 'ExperimentStarted',
      type: 'Normal',
      action: 'Compare',
      note: `${variant} is compared with ${control}`,
    }),
    ...ofVerdicts(run, find),
    ...ofEnd(run, find),
  ];
}

type Find = (what: string, at: string | undefined, words: Words) => readonly Finding[];

function ofVerdicts({ spec, status }: ExperimentRun, find: Find): readonly Finding[] {
  const { verdict, verdictAt, intents = [], reason = '', evidence } = status;
  const effects = (evidence?.effects ?? []).map(effectText).join(', ');
  const note = [reason, effects].filter((text) => text !== '').join(': ');
  // All traffic went to the variant: that was a PASS, whatever the watch after it said.
  const passedAt = intents.find(({ variantWeight }) => variantWeight === 100)?.at;
  const passed = passedAt ?? (verdict === 'PASS' ? verdictAt : undefined);
  const pass = find('Passed', passed, {
    reason: 'VerdictPass',
    type: 'Normal',
    action: 'Judge',
    note: verdict === 'PASS' ? note : `${spec.plan.variant} is as good as asked for`,
  });
  if (verdict === undefined || verdict === 'PASS') return pass;
  // A verdict of the watch comes with the intent that takes the traffic back.
  const at = passedAt === undefined ? verdictAt : status.intent?.at;
  const type = spec.plan.drill?.expect === verdict ? 'Normal' : 'Warning';
  return [
    ...pass,
    ...find('Judged', at, { reason: verdictReasons[verdict], type, action: 'Judge', note }),
  ];
}

function ofEnd({ spec, status }: ExperimentRun, find: Find): readonly Finding[] {
  const { phase, endedAt, verdict, reason = '' } = status;
  const { control, variant, drill } = spec.plan;
  const told = (words: Words): readonly Finding[] => find('Ended', endedAt, words);
  switch (phase) {
    case 'Succeeded':
      return told({
        reason: 'Succeeded',
        type: 'Normal',
        action: 'Promote',
        note: `${variant} has the traffic of ${control}`,
      });
    case 'Failed':
      return told({
        reason: 'DrillMissed',
        type: 'Warning',
        action: 'RollBack',
        note: `the fault of the drill was not caught (${verdict ?? 'no verdict'}): ${reason}`,
      });
    case 'RolledBack':
      if (status.intent === undefined) {
        const note = `ended before it had any traffic: ${reason}`;
        return told({ reason: 'Cancelled', type: 'Normal', action: 'Cancel', note });
      }
      return drill === undefined
        ? told({
            reason: 'RolledBack',
            type: 'Warning',
            action: 'RollBack',
            note: `all traffic is on ${control} again: ${reason}`,
          })
        : told({
            reason: 'DrillCaught',
            type: 'Normal',
            action: 'RollBack',
            note: `the fault of the drill was caught, all traffic is on ${control} again`,
          });
    default:
      return [];
  }
}

/** A condition in the words of notifications; undefined where it is not worth one. */
type Speak = (condition: Condition) => (Words & { readonly onlyAsChange?: boolean }) | undefined;

function ofConditions(object: Experiment | TrafficPolicy, speak: Speak): readonly Finding[] {
  return (object.status.conditions ?? []).flatMap((condition) => {
    const words = speak(condition);
    if (words === undefined) return [];
    const { onlyAsChange = false, ...said } = words;
    const { type: what, status, observedGeneration, lastTransitionTime } = condition;
    // A new spec that is programmed at once changes no status, and is news all the same.
    const news = said.reason === 'PolicyProgrammed' ? `/${observedGeneration}` : '';
    const to = `${status}/${said.reason}@${lastTransitionTime}${news}`;
    return [
      {
        transition: { uid: object.metadata.uid, what, to },
        notification: { ...said, at: lastTransitionTime, regarding: referenceTo(object) },
        onlyAsChange,
      },
    ];
  });
}

function ofExperiment(experiment: Experiment): readonly Finding[] {
  return ofConditions(experiment, ({ type, status, reason, message: note }) => {
    if (type !== 'ResolvedRefs') return undefined;
    if (status === 'True') {
      return {
        reason: 'RefsResolved',
        type: 'Normal',
        action: 'Resolve',
        note,
        onlyAsChange: true,
      };
    }
    const known = reason === 'VersionNotFound' ? reason : 'TargetNotFound';
    return { reason: known, type: 'Warning', action: 'Resolve', note };
  });
}

function ofPolicy(policy: TrafficPolicy): readonly Finding[] {
  return ofConditions(policy, ({ type, status, reason, message, observedGeneration }) => {
    if (type === 'Accepted') {
      return status === 'True'
        ? {
            reason: 'PolicyAccepted',
            type: 'Normal',
            action: 'Accept',
            note: 'no older policy has its host any more',
            onlyAsChange: true,
          }
        : { reason: 'PolicyConflict', type: 'Warning', action: 'Accept', note: message };
    }
    if (type !== 'Programmed') return undefined;
    if (status === 'True') {
      const note = `generation ${observedGeneration} is in the gateway`;
      return { reason: 'PolicyProgrammed', type: 'Normal', action: 'Program', note };
    }
    // Its condition Accepted says it.
    if (reason === 'NotAccepted') return undefined;
    return status === 'Unknown'
      ? { reason: 'GatewayUnreachable', type: 'Warning', action: 'Program', note: message }
      : { reason: 'PolicyRejected', type: 'Warning', action: 'Program', note: message };
  });
}

function referenceTo({ apiVersion, kind, metadata }: AnyResource): ObjectReference {
  const { namespace, name, uid } = metadata;
  return { apiVersion, kind, namespace, name, uid };
}

import type { ExperimentRun } from '../../knative/resources/experiment-run.ts';
import type { Effect, Phase, Verdict } from '../../knative/resources/experiment.ts';
import { toUnixMs } from '../../functions/lib/rfc3339.ts';
import type { Ledger, LedgerRow } from './ledger.ts';

/** One experiment in the demo's JSON document. */
export interface ExperimentReport {
  readonly name: string;
  readonly verdict: Verdict | null;
  readonly phase: Phase;
  readonly samples: { readonly control: number; readonly variant: number };
  /** Latency of the variant over the control's, as a ratio minus one. */
  readonly effect: Pick<Effect, 'estimate' | 'low' | 'high'> | null;
  /** From the commit of the fault's intent to the verdict; null without a drill. */
  readonly faultToVerdictSeconds: number | null;
  /** From the verdict to the last answer of the rejected version; null after a PASS. */
  readonly verdictToLastBadRequestSeconds: number | null;
}

/** The demo's JSON document. */
export interface DemoReport {
  readonly ok: boolean;
  readonly experiments: readonly ExperimentReport[];
  readonly ledger: {
    readonly versions: readonly LedgerRow[];
    readonly unattributed: number;
    readonly unexplained: number;
  };
}

/**
 * What one run came to.
 * @param lastVariantAnswerAt Unix ms of the last answer that the load generator got from the variant.
 */
export function reportExperiment(
  run: ExperimentRun,
  lastVariantAnswerAt: number | undefined,
): ExperimentReport {
  const { status, spec } = run;
  const effect = status.evidence?.effects.find(({ metric }) => metric === 'latency');
  const faultAt = toUnixMs(status.intents?.find((intent) => intent.fault !== undefined)?.at);
  const verdictAt = toUnixMs(status.verdictAt);
  const rejected = status.verdict !== undefined && status.verdict !== 'PASS';
  return {
    name: spec.experiment.name,
    verdict: status.verdict ?? null,
    phase: status.phase ?? 'Pending',
    samples: status.evidence?.samples ?? { control: 0, variant: 0 },
    effect:
      effect === undefined
        ? null
        : { estimate: effect.estimate, low: effect.low, high: effect.high },
    faultToVerdictSeconds: secondsBetween(faultAt, verdictAt),
    verdictToLastBadRequestSeconds: rejected
      ? secondsBetween(verdictAt, lastVariantAnswerAt)
      : null,
  };
}

/** Of Unix ms. */
function secondsBetween(from: number | undefined, to: number | undefined): number | null {
  return from === undefined || to === undefined ? null : Math.max(0, to - from) / 1000;
}

/** The outcome that each of the demo's experiments has to have. */
const expected: Readonly<Record<string, { readonly verdict: Verdict; readonly phase: Phase }>> = {
  shift: { verdict: 'PASS', phase: 'Succeeded' },
  drill: { verdict: 'FAIL', phase: 'RolledBack' },
};

/** The whole document; `ok` only if every expected experiment ended right and the ledger closes. */
export function reportDemo(experiments: readonly ExperimentReport[], ledger: Ledger): DemoReport {
  const right = Object.entries(expected).every(([name, outcome]) =>
    experiments.some(
      (experiment) =>
        experiment.name === name &&
        experiment.verdict === outcome.verdict &&
        experiment.phase === outcome.phase,
    ),
  );
  return { ok: right && ledger.unexplained === 0, experiments, ledger };
}

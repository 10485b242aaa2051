import type { ExperimentRun } from '../../knative/resources/experiment-run.ts';
import type { Fault } from '../../knative/resources/fault.ts';
import type { TrafficPolicy, TrafficRule } from '../../knative/resources/traffic-policy.ts';
import { standingRun, type ArmStamp } from '../lib/arm-stamp.ts';
import { durationMs } from '../lib/duration.ts';
import { byPolicyAge, policyKey, targetKey } from '../lib/policy-age.ts';
import { activeOverlays, type Overlay } from './overlays.ts';
import type {
  DestinationForm,
  FaultForm,
  ListenerForm,
  RouteForm,
  TrafficForm,
} from '../mesh/traffic-form.ts';
import { partsOf, smallestWeights, wholeParts } from './weights.ts';

/** What became of one policy. */
export interface CompiledPolicy {
  readonly policy: TrafficPolicy;
  /** `<namespace>/<name>` of the older policy that has the same host and port; then nothing is rendered. */
  readonly conflict?: string;
  readonly overlays: readonly Overlay[];
}

/** The effective traffic, and how it came about. */
export interface Compilation {
  readonly form: TrafficForm;
  /** In the order of age. */
  readonly policies: readonly CompiledPolicy[];
  /** Uids of succeeded runs whose overlay is given back for good, sorted. */
  readonly released: readonly string[];
}

/** A destination while intents are laid over it. */
interface Draft {
  readonly version: string;
  readonly weight: bigint;
  readonly stamp: ArmStamp;
  readonly specFault: Fault | undefined;
  readonly intentFault: Fault | undefined;
}

/**
 * Effective traffic = intents of runs, oldest first, over the policies' specs.
 *
 * In every split in which a run's control and variant have any weight together, that weight is divided anew: the
 * variant gets `variantWeight` percent of it, exactly. Both then carry the run's stamp (the newest run's, where several
 * touch one version), all others the standing stamp. A drill's fault goes to the variant alone, and
 * wins over the spec's fault of the same sort.
 *
 * @param released uids of runs whose overlay was given back before; see {@link activeOverlays}.
 */
export function compile(
  policies: readonly TrafficPolicy[],
  runs: readonly ExperimentRun[],
  released: ReadonlySet<string> = new Set(),
): Compilation {
  const owners = new Map<string, string>();
  const compiled = [...policies]
    .sort(byPolicyAge)
    .map((policy): CompiledPolicy & { free: readonly string[] } => {
      const place = targetKey(policy);
      const { active, released: free } = activeOverlays(policy, runs, released);
      const conflict = owners.get(place);
      if (conflict !== undefined) return { policy, conflict, overlays: [], free };
      owners.set(place, policyKey(policy));
      return { policy, overlays: active, free };
    });
  return {
    form: {
      listeners: listenersOf(compiled),
      clusters: compiled.filter(isRendered).flatMap(clustersOf).sort(byName),
    },
    policies: compiled.map(({ free: _free, ...outcome }) => outcome),
    released: compiled.flatMap(({ free }) => free).sort(),
  };
}

/** Name of a version's cluster, in configuration and in statistics: `<namespace>/<policy>/<version>`. */
export function clusterName(policy: TrafficPolicy, version: string): string {
  return `${policyKey(policy)}/${version}`;
}

function listenersOf(compiled: readonly CompiledPolicy[]): ListenerForm[] {
  const byPort = Map.groupBy(compiled.filter(isRendered), ({ policy }) => policy.spec.target.port);
  return [...byPort]
    .sort(([left], [right]) => left - right)
    .map(([port, members]) => ({
      port,
      hosts: members
        .map(({ policy, overlays }) => ({
          name: policyKey(policy),
          domain: policy.spec.target.host,
          routes: policy.spec.rules.map((rule, index) => routeOf(policy, rule, index, overlays)),
        }))
        .sort(byName),
    }));
}

function clustersOf({ policy }: CompiledPolicy): TrafficForm['clusters'][number][] {
  return policy.spec.versions.map(({ name, endpoints }) => ({
    name: clusterName(policy, name),
    endpoints,
  }));
}

function routeOf(
  policy: TrafficPolicy,
  rule: TrafficRule,
  index: number,
  overlays: readonly Overlay[],
): RouteForm {
  const timeoutMs = rule.timeout === undefined ? 0 : durationMs(rule.timeout);
  return {
    name: rule.name ?? `rule-${index}`,
    matches: rule.match ?? [],
    destinations: destinationsOf(policy, overlays.reduce(layOver, standing(policy, rule))),
    ...(timeoutMs > 0 && { timeoutMs }),
  };
}

function standing(policy: TrafficPolicy, rule: TrafficRule): readonly Draft[] {
  return rule.split.map(({ version, weight, fault }) => ({
    version,
    weight: BigInt(weight),
    stamp: { run: standingRun, epoch: policy.metadata.generation, arm: version },
    specFault: fault,
    intentFault: undefined,
  }));
}

function layOver(drafts: readonly Draft[], overlay: Overlay): readonly Draft[] {
  const { control, variant, intent } = overlay;
  const inPair = ({ version }: Draft): boolean => version === control || version === variant;
  const joint = drafts.filter(inPair).reduce((sum, { weight }) => sum + weight, 0n);
  if (joint === 0n) return drafts;

  const variantParts = partsOf(intent.variantWeight);
  const arm = (version: string, name: string, parts: bigint, fault?: Fault): Draft => ({
    version,
    weight: joint * parts,
    stamp: { run: overlay.run, epoch: intent.epoch, arm: name },
    specFault: drafts.find((draft) => draft.version === version)?.specFault,
    intentFault: fault,
  });
  const arms = [
    arm(control, 'control', wholeParts - variantParts),
    arm(variant, 'variant', variantParts, intent.fault),
  ];
  const place = drafts.findIndex(inPair);
  return drafts.flatMap((draft, index) => {
    if (index === place) return arms;
    return inPair(draft) ? [] : [{ ...draft, weight: draft.weight * wholeParts }];
  });
}

function destinationsOf(policy: TrafficPolicy, drafts: readonly Draft[]): DestinationForm[] {
  const served = drafts.filter(({ weight }) => weight > 0n);
  const weights = smallestWeights(served.map(({ weight }) => weight));
  return served.map((draft, index) => destinationOf(policy, draft, weights[index] ?? 0));
}

function destinationOf(policy: TrafficPolicy, draft: Draft, weight: number): DestinationForm {
  const { version, stamp } = draft;
  const fault = faultOf({ ...draft.specFault, ...draft.intentFault });
  return { cluster: clusterName(policy, version), weight, stamp, ...(fault && { fault }) };
}

function faultOf({ delay, abort }: Fault): FaultForm | undefined {
  const ms = delay === undefined ? 0 : durationMs(delay.duration);
  if (ms === 0 && abort === undefined) return undefined;
  return {
    ...(delay && ms > 0 && { delay: { ms, percent: delay.percent } }),
    ...(abort && { abort }),
  };
}

function isRendered({ conflict }: CompiledPolicy): boolean {
  return conflict === undefined;
}

function byName(left: { readonly name: string }, right: { readonly name: string }): number {
  return left.name < right.name ? -1 : 1;
}

import type { ExperimentRun } from '../../knative/resources/experiment-run.ts';
import type { Fault } from '../../knative/resources/fault.ts';
import type { TrafficPolicy, TrafficRule } from '../../knative/resources/traffic-policy.ts';
import { standingRun, type ArmStamp } from '../lib/arm-stamp.ts';
import { canonicalJson, sha256 } from '../lib/canonical-json.ts';
import { durationMs } from '../lib/duration.ts';
import { byPolicyAge, policyKey, targetKey } from '../lib/policy-age.ts';
import { fittingRules, type FittingRules } from './fitting-rules.ts';
import { activeOverlays, targets, type Overlay } from './overlays.ts';
import type {
  DestinationForm,
  FaultForm,
  ListenerForm,
  RouteForm,
  TrafficForm,
} from '../mesh/traffic-form.ts';
import type { Place, PolicyTraffic, Traffic } from '../mesh/target.ts';
import { partsOf, smallestWeights, wholeParts } from './weights.ts';

/** What became of one policy. */
export interface CompiledPolicy {
  readonly policy: TrafficPolicy;
  /** `<namespace>/<name>` of the older policy that has the same place; then nothing is rendered. */
  readonly conflict?: string;
  /** Why the target cannot carry it; then nothing is rendered. */
  readonly unfit?: string;
  readonly fitting: FittingRules;
  readonly overlays: readonly Overlay[];
}

/** The effective traffic, and how it came about. */
export interface Compilation extends Traffic {
  /** In the order of age. */
  readonly policies: readonly (CompiledPolicy & PolicyTraffic)[];
}

/** What {@link compile} may be told. */
export interface CompileOptions {
  /** Uids of runs whose overlay was given back before; see {@link activeOverlays}. */
  readonly released?: ReadonlySet<string>;
  /** Where the target has a policy's traffic. Default: a place for each host and port, and endpoints or labels as they come. */
  readonly place?: (policy: TrafficPolicy) => Place;
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
 */
export function compile(
  policies: readonly TrafficPolicy[],
  runs: readonly ExperimentRun[],
  { released = new Set(), place = (policy) => ({ key: targetKey(policy) }) }: CompileOptions = {},
): Compilation {
  const owners = new Map<string, string>();
  const compileOne = (policy: TrafficPolicy): CompiledPolicy & PolicyTraffic => {
    const overlays = activeOverlays(policy, runs, released);
    const known = {
      policy,
      key: policyKey(policy),
      uid: policy.metadata.uid,
      basis: basisOf(policy, runs),
      released: overlays.released.toSorted(),
      fitting: fittingRules(policy),
    };
    const at = place(policy);
    if ('problem' in at) return { ...known, unfit: at.problem, overlays: [] };
    if (known.fitting.rules.length === 0) return { ...known, unfit: noRule, overlays: [] };
    const conflict = owners.get(at.key);
    if (conflict !== undefined) return { ...known, conflict, overlays: [] };
    owners.set(at.key, known.key);
    return { ...known, overlays: overlays.active };
  };
  const compiled = [...policies].sort(byPolicyAge).map(compileOne);
  return {
    form: {
      listeners: listenersOf(compiled),
      clusters: compiled.filter(isRendered).flatMap(clustersOf).sort(byName),
    },
    policies: compiled,
  };
}

const noRule = 'spec.rules: no rule has a match that a request can fit';

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
        .map(({ policy, overlays, fitting }) => ({
          name: policyKey(policy),
          domain: policy.spec.target.host,
          routes: fitting.rules.map(({ rule, index }) => routeOf(policy, rule, index, overlays)),
        }))
        .sort(byName),
    }));
}

function clustersOf({ policy }: CompiledPolicy): TrafficForm['clusters'][number][] {
  return policy.spec.versions.map(({ name, endpoints, labels }) => ({
    name: clusterName(policy, name),
    ...(endpoints && { endpoints }),
    ...(labels && { labels }),
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

/** Intents only ever count up, and runs go long after their intent: no two moments have one basis and other traffic. */
function basisOf(policy: TrafficPolicy, runs: readonly ExperimentRun[]): string {
  const { uid, generation } = policy.metadata;
  const intents = runs
    .filter((run) => targets(run, policy))
    .map(({ metadata, status }) => [metadata.uid, status.intent?.epoch ?? 0, status.phase ?? '']);
  return sha256(canonicalJson([uid, generation, intents.map(canonicalJson).toSorted()]));
}

function isRendered({ conflict, unfit }: CompiledPolicy): boolean {
  return conflict === undefined && unfit === undefined;
}

function byName(left: { readonly name: string }, right: { readonly name: string }): number {
  return left.name < right.name ? -1 : 1;
}

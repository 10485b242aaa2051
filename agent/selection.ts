import type { TapReport } from '../knative/events.ts';
import { destinationOf, egressPort } from '../knative/resources/egress.ts';
import type { PodIdentity } from '../native/capture/types.ts';
import type { Sampling, TraceSettings } from '../native/capture/trace-settings.ts';
import type { Pod } from './pod-directory.ts';
import type { KnownTap } from './tap-list.ts';

/** A pod, and what of it is kept. */
export interface SelectedPod extends Pod {
  readonly settings: TraceSettings;
  /** Names of the sinks that its spans go to, sorted. */
  readonly sinks: readonly string[];
  /** Those of them that the records of its access log go to. */
  readonly logSinks: readonly string[];
  /** What it encrypts by itself is read, too. */
  readonly tls: boolean;
}

/** What is to be traced. */
export interface Selection {
  readonly pods: readonly SelectedPod[];
  /** Server ports; empty means every port. */
  readonly ports: readonly number[];
}

/**
 * Pods that a Tap of their namespace selects, and the ports of those Taps together; never Clover's own pods.
 *
 * @param untapped namespaces that no Tap has a say in: Clover's own, and those of what carries its events and spans.
 */
export function select(
  pods: readonly Pod[],
  taps: readonly KnownTap[],
  untapped: ReadonlySet<string> = new Set(),
): Selection {
  const others = traceable(pods, untapped);
  const selected = others.flatMap((pod) => {
    const own = taps.filter((tap) => selects(tap, pod));
    if (own.length === 0) return [];
    const logSinks = sinksOf(own.filter(({ spec }) => spec.accessLog));
    const settings = {
      ...settingsOf(own),
      ...egressOf(own, pod),
      ...(logSinks.length > 0 && { accessLog: true }),
      ...(pod.hints !== undefined && pod.hints.length > 0 && { hints: pod.hints }),
    };
    const tls = own.some(({ spec }) => spec.tls);
    return [{ ...pod, settings, sinks: sinksOf(own), logSinks, tls }];
  });
  const active = taps.filter((tap) => others.some((pod) => selects(tap, pod)));
  const everyPort = active.some((tap) => tap.spec.ports === undefined);
  const ports = new Set(everyPort ? [] : active.flatMap((tap) => portsOf(tap)));
  return { pods: selected, ports: [...ports].sort((a, b) => a - b) };
}

/**
 * Taps that select any of the pods, with how many of them, and how many of those are traced.
 * @param isTraced whether a pod is, by `namespace/name`.
 */
export function reportTaps(
  pods: readonly Pod[],
  taps: readonly KnownTap[],
  untapped: ReadonlySet<string>,
  isTraced: (pod: string) => boolean,
): TapReport[] {
  const others = traceable(pods, untapped);
  return taps.flatMap((tap) => {
    const own = others.filter((pod) => selects(tap, pod));
    const traced = own.filter((pod) => isTraced(`${pod.namespace}/${pod.name}`)).length;
    const { namespace, name } = tap;
    return own.length === 0 ? [] : [{ namespace, name, selected: own.length, traced }];
  });
}

/** Who a pod is, as its spans say it (Kubernetes recommended labels first). */
export function identify(pod: Pod, node: string): PodIdentity {
  const { labels } = pod;
  return {
    namespace: pod.namespace,
    name: pod.name,
    uid: pod.uid,
    node,
    service: labels['app.kubernetes.io/name'] ?? labels['app'] ?? pod.name,
    version: labels['app.kubernetes.io/version'] ?? labels['version'] ?? '',
  };
}

const everything: Required<Sampling> = { ratio: 1, parent: false };

/** Of several Taps nobody gets less than was asked for: the highest ratio, and of equal ones that which asks no caller. */
function samplingOf(taps: readonly KnownTap[]): Required<Sampling> {
  const wishes = taps.map(({ spec: { sampling } }) =>
    sampling === undefined ? everything : { ratio: sampling.ratio, parent: sampling.parentBased },
  );
  return wishes.reduce((most, one) =>
    one.ratio > most.ratio || (one.ratio === most.ratio && !one.parent) ? one : most,
  );
}

const union = <T extends string>(lists: readonly (readonly T[] | undefined)[]): readonly T[] =>
  [...new Set(lists.flatMap((list) => list ?? []))].sort();

const sinksOf = (taps: readonly KnownTap[]): readonly string[] =>
  union(taps.map(({ spec }) => spec.sinks));

/** What Taps have in a list is added up; a Tap that names no protocols wants all. */
function settingsOf(taps: readonly KnownTap[]): TraceSettings {
  const specs = taps.map(({ spec }) => spec);
  const everyProtocol = specs.some(({ protocols }) => protocols === undefined);
  const lists = {
    protocols: everyProtocol ? [] : union(specs.map(({ protocols }) => protocols)),
    requestHeaders: union(specs.map(({ headers }) => headers?.request)),
    responseHeaders: union(specs.map(({ headers }) => headers?.response)),
    queryValues: union(specs.map(({ redaction }) => redaction?.keepQueryValues)),
    redactedHeaders: union(specs.map(({ redaction }) => redaction?.headers)),
  };
  const given = Object.entries(lists).filter(([, list]) => list.length > 0);
  return { ...samplingOf(taps), ...Object.fromEntries(given) };
}

const traceable = (pods: readonly Pod[], untapped: ReadonlySet<string>): readonly Pod[] =>
  pods.filter((pod) => !isClover(pod) && !untapped.has(pod.namespace));

/** Where a pod's connections have to go to; a Tap that does not say it wants all. */
function egressOf(taps: readonly KnownTap[], pod: Pod): Pick<TraceSettings, 'egress'> {
  const lists = taps.map(({ spec }) => spec.egress);
  if (lists.includes(undefined)) return {};
  const egress = union(lists).flatMap((text) => destinationOf(text, pod.name) ?? []);
  return { egress };
}

function portsOf({ spec: { ports = [], egress = [] } }: KnownTap): readonly number[] {
  return [...ports, ...egress.map(egressPort)];
}

/** A span of the delivery of spans would be delivered, too, and so on for ever. */
function isClover({ labels }: Pod): boolean {
  return labels['app.kubernetes.io/part-of'] === 'clover';
}

function selects(tap: KnownTap, pod: Pod): boolean {
  return (
    tap.namespace === pod.namespace &&
    Object.entries(tap.spec.selector.matchLabels).every(([key, value]) => pod.labels[key] === value)
  );
}

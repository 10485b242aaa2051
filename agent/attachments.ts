import type { Logger } from 'pino';
import { canonicalJson } from '../functions/lib/canonical-json.ts';
import type { Capture, CapturePoint, CapturePointKind } from '../native/capture/types.ts';
import type { Location, NodePoint, Pod, PodDirectory, Way } from './pod-directory.ts';
import { identify, type SelectedPod, type Selection } from './selection.ts';
import type { TlsPoint } from './tls/tls-attachments.ts';

/** Which points the capture is attached to. */
export interface Attachments {
  /**
   * Attaches and detaches until the capture traces the selection, or for some 200 ms: the kernel may take 50 for one. Whether there
   * is more to do at once; call again to retry the rest.
   */
  reconcile(selection: Selection, directory: Pick<PodDirectory, 'locate'>): boolean;
  detachAll(): void;
  /** Cgroups that are attached to. */
  cgroups(): readonly TlsPoint[];
  counters(): AttachmentCounters;
}

/** A part of a selected pod that is not traced, and why not. */
export interface UnseenInterface {
  /** `namespace/name`. */
  readonly pod: string;
  /** As the pod calls it, or `*` for all of it. */
  readonly interface: string;
  readonly why: string;
}

/** A point at which a pod is traced. */
export interface AttachedPoint {
  /** `namespace/name`. */
  readonly pod: string;
  readonly kind: CapturePointKind;
  /** The interface, or the folder of the cgroup. */
  readonly name: string;
}

/** Counters of {@link Attachments}; `attaches` and `failures` are cumulative, the others are of now. */
export interface AttachmentCounters {
  readonly attached: number;
  readonly attaches: number;
  readonly points: readonly AttachedPoint[];
  /** Selected pods without a point yet, or with one that cannot be attached to. */
  readonly waiting: number;
  readonly unseen: readonly UnseenInterface[];
  readonly failures: number;
}

/** What {@link createAttachments} needs. */
export interface AttachmentsOptions {
  readonly capture: Pick<Capture, 'attach' | 'detach' | 'oneWay' | 'overtaken' | 'setPorts'>;
  readonly node: string;
  /** Of a clock that never goes back. */
  readonly nowMs: () => number;
  readonly log: Logger;
}

/** A thousand pods are selected at a time, and health is asked for meanwhile. */
const sliceMs = 200;

/** A point that is traced. */
interface Attached extends AttachedPoint {
  /** For whom: the same object as long as nothing about it has changed. */
  readonly selected: SelectedPod;
  /** Who it is, and what of it is kept, as text. */
  readonly wish: string;
  readonly inode: number | undefined;
  readonly tls: boolean;
}

/** Connections at least that make a rule of it: of a few the other direction may have been lost on its way up. */
const leastOneWay = 3;

/** Nothing attached yet. */
export function createAttachments(options: AttachmentsOptions): Attachments {
  const { capture, node, nowMs, log } = options;
  const attached = new Map<CapturePoint, Attached>();
  let ports: string | undefined;
  /** Pods by uid. */
  let waiting: ReadonlySet<string> = new Set();
  /** Points that were refused before: told once. */
  const failed = new Set<CapturePoint>();
  /** Of them, those that were refused since all of the selection was begun with: the slices that follow are for others. */
  const refused = new Set<CapturePoint>();
  let unseen: readonly UnseenInterface[] = [];
  let attaches = 0;
  let failures = 0;
  let sliceEnd = 0;
  /** Something was left for the next slice, of which the first thing is always done. */
  let postponed = false;
  let begun = false;

  const isLeft = (): boolean => {
    postponed ||= begun && nowMs() >= sliceEnd;
    begun = true;
    return postponed;
  };

  const detach = (point: CapturePoint): void => {
    attached.delete(point);
    try {
      capture.detach(point);
      log.info({ point }, 'detached');
    } catch (error) {
      // The interface or cgroup took the kernel program with it when it went.
      log.debug({ err: error, point }, 'detach');
    }
  };

  const setPorts = (wanted: readonly number[]): void => {
    const text = wanted.join();
    if (text === ports) return;
    try {
      capture.setPorts(wanted);
      ports = text;
    } catch (error) {
      failures += 1;
      log.error({ err: error, ports: wanted }, 'cannot set the traced ports');
    }
  };

  /** Whether the pod is traced there now. */
  const attach = ({ point, name, inode }: NodePoint, pod: SelectedPod): boolean => {
    const before = attached.get(point);
    // A thousand pods are gone through each second: what would be made for each of them is made where something has changed.
    if (before?.selected === pod && before.inode === inode) return true;
    const { settings, tls } = pod;
    const identity = identify(pod, node);
    const wish = canonicalJson({ identity, settings, tls });
    if (before?.wish === wish && before.inode === inode) {
      attached.set(point, { ...before, selected: pod });
      return true;
    }
    if (refused.has(point) || isLeft()) return false;
    if (before !== undefined && before.inode !== inode) detach(point);
    const context = { point, name, pod: nameOf(pod) };
    try {
      const kind = capture.attach(point, identity, settings);
      attached.set(point, { selected: pod, wish, inode, kind, pod: nameOf(pod), name, tls });
      attaches += 1;
      log.info({ ...context, kind }, 'attached');
      return true;
    } catch (error) {
      failures += 1;
      if (!failed.has(point)) log.error({ err: error, ...context }, 'cannot attach');
      failed.add(point);
      refused.add(point);
      return false;
    }
  };

  /** The first way that can be had; the last one, in part, where there is none. */
  const attachBy = (ways: Location, pod: SelectedPod): { way: Way | undefined; whole: boolean } => {
    for (const way of ways) {
      const done = way.points.map((one) => attach(one, pod));
      if (done.every(Boolean)) return { way, whole: true };
      if (postponed) break;
    }
    return { way: ways.at(-1), whole: false };
  };

  const keepOnly = (points: ReadonlySet<CapturePoint>, isEnough = () => false): void => {
    for (const point of attached.keys()) if (!points.has(point) && !isEnough()) detach(point);
    for (const point of failed) if (!points.has(point)) failed.delete(point);
  };

  const tellUnseen = (now: readonly UnseenInterface[]): void => {
    const known = new Set(unseen.map(canonicalJson));
    for (const one of now) {
      if (!known.has(canonicalJson(one))) log.warn(one, 'cannot be traced');
    }
    unseen = now;
  };

  /** Of points of which the capture tells something, the pods that are seen in part for it. */
  const inPart = <T extends { readonly point: CapturePoint }>(
    told: readonly T[],
    whyAt: (at: Attached, one: T) => string,
  ): readonly UnseenInterface[] =>
    told.flatMap((one) => {
      const at = attached.get(one.point);
      return at === undefined ? [] : [{ pod: at.pod, interface: '*', why: whyAt(at, one) }];
    });

  return {
    reconcile({ pods, ports: wanted }, directory) {
      sliceEnd = nowMs() + sliceMs;
      if (!postponed) refused.clear();
      postponed = begun = false;
      if (pods.length > 0) setPorts(wanted);
      const located = directory.locate(new Set(pods.map(({ uid }) => uid)));
      const there = [...located.values()].flat().flatMap(({ points }) => points);
      // Those that have gone first, as their numbers may be given anew.
      keepOnly(new Set(there.map(({ point }) => point)));

      const missing = new Set<string>();
      const blind: UnseenInterface[] = [];
      const keep = new Set<CapturePoint>();
      for (const pod of pods) {
        const ways = located.get(pod.uid);
        if (ways === undefined) {
          missing.add(pod.uid);
          if (!waiting.has(pod.uid)) log.info({ pod: nameOf(pod) }, 'nowhere to be seen yet');
          continue;
        }
        const { way, whole } = attachBy(ways, pod);
        if (!whole) missing.add(pod.uid);
        for (const { point } of way?.points ?? []) keep.add(point);
        for (const one of way?.unseen ?? []) blind.push({ pod: nameOf(pod), ...one });
      }
      waiting = missing;
      if (postponed) return true;
      keepOnly(keep, isLeft);
      const oneWay = capture.oneWay().filter((one) => one.oneWay >= leastOneWay);
      tellUnseen([
        ...blind,
        ...inPart(oneWay, whyOneWay),
        ...inPart(capture.overtaken(), (at, { programs }) => whyBehind(at, programs)),
      ]);
      return postponed;
    },
    detachAll() {
      keepOnly(new Set());
    },
    cgroups: () =>
      [...attached].flatMap(([point, { pod, tls }]) =>
        typeof point === 'string' ? [{ point, pod, wanted: tls }] : [],
      ),
    counters: () => ({
      attached: attached.size,
      points: [...attached.values()].map(({ pod, kind, name }) => ({ pod, kind, name })),
      attaches,
      waiting: waiting.size,
      unseen,
      failures,
    }),
  };
}

function whyOneWay({ name, kind }: Attached): string {
  if (kind === 'cgroup')
    return `of some connections of ${name} one direction alone passes its sockets`;
  return `packets are redirected past ${name}: of some connections one direction alone passes there`;
}

function whyBehind({ name }: Attached, programs: readonly number[]): string {
  const those = programs.length === 1 ? 'program' : 'programs';
  return `in part, where ${those} ${programs.join(', ')} (bpftool prog show id) take packets: they came before the agent at ${name}`;
}

function nameOf({ namespace, name }: Pod): string {
  return `${namespace}/${name}`;
}

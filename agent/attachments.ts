import type { Logger } from 'pino';
import { canonicalJson } from '../functions/lib/canonical-json.ts';
import type { Capture, PodIdentity } from '../native/capture/types.ts';
import type { NodeInterface, Pod, PodDirectory } from './pod-directory.ts';
import { identify, type SelectedPod, type Selection } from './selection.ts';

/** Which interfaces the capture is attached to. */
export interface Attachments {
  /** Attaches and detaches until the capture traces the selection; call again to retry the rest. */
  reconcile(selection: Selection, directory: Pick<PodDirectory, 'locate'>): void;
  detachAll(): void;
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

/** Counters of {@link Attachments}; `attaches` and `failures` are cumulative, the others are of now. */
export interface AttachmentCounters {
  readonly attached: number;
  readonly attaches: number;
  /** Selected pods without an interface yet, or with one that cannot be attached to. */
  readonly waiting: number;
  readonly unseen: readonly UnseenInterface[];
  readonly failures: number;
}

/** What {@link createAttachments} needs. */
export interface AttachmentsOptions {
  readonly capture: Pick<Capture, 'attach' | 'detach' | 'oneWay' | 'setPorts'>;
  readonly node: string;
  readonly log: Logger;
}

/** An interface that is traced. */
interface Attached {
  /** Who it is, and what of it is kept, as text. */
  readonly wish: string;
  /** `namespace/name`. */
  readonly pod: string;
  /** As the node calls it. */
  readonly name: string;
}

/** Connections at least that make a rule of it: of a few the other direction may have been lost on its way up. */
const leastOneWay = 3;

/** Nothing attached yet. */
export function createAttachments({ capture, node, log }: AttachmentsOptions): Attachments {
  /** By ifindex. */
  const attached = new Map<number, Attached>();
  let ports: string | undefined;
  /** Pods by uid. */
  let waiting: ReadonlySet<string> = new Set();
  let unseen: readonly UnseenInterface[] = [];
  let attaches = 0;
  let failures = 0;

  const detach = (ifindex: number): void => {
    attached.delete(ifindex);
    try {
      capture.detach(ifindex);
      log.info({ ifindex }, 'detached');
    } catch (error) {
      // The interface took the kernel program with it when it went.
      log.debug({ err: error, ifindex }, 'detach');
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
  const attach = (
    { ifindex, name }: NodeInterface,
    pod: SelectedPod,
    identity: PodIdentity,
  ): boolean => {
    const { sampling } = pod;
    const wish = canonicalJson({ identity, sampling });
    if (attached.get(ifindex)?.wish === wish) return true;
    const context = { ifindex, interface: name, pod: nameOf(pod) };
    try {
      capture.attach(ifindex, identity, sampling);
    } catch (error) {
      failures += 1;
      if (!waiting.has(pod.uid)) log.error({ err: error, ...context }, 'cannot attach');
      return false;
    }
    attached.set(ifindex, { wish, pod: nameOf(pod), name });
    attaches += 1;
    log.info(context, 'attached');
    return true;
  };

  const tellUnseen = (now: readonly UnseenInterface[]): void => {
    const known = new Set(unseen.map(canonicalJson));
    for (const one of now) {
      if (!known.has(canonicalJson(one))) log.warn(one, 'cannot be traced');
    }
    unseen = now;
  };

  const inPart = (): readonly UnseenInterface[] =>
    capture.oneWay().flatMap(({ point, oneWay }) => {
      const at =
        oneWay < leastOneWay || typeof point === 'string' ? undefined : attached.get(point);
      return at === undefined ? [] : [{ pod: at.pod, interface: '*', why: whyInPart(at) }];
    });

  return {
    reconcile({ pods, ports: wanted }, directory) {
      if (pods.length > 0) setPorts(wanted);
      const located = directory.locate(new Set(pods.map(({ uid }) => uid)));
      const indexes = [...located.values()].flatMap(({ interfaces }) => interfaces);
      const keep = new Set(indexes.map(({ ifindex }) => ifindex));
      for (const ifindex of attached.keys()) if (!keep.has(ifindex)) detach(ifindex);

      const missing = new Set<string>();
      const blind: UnseenInterface[] = [];
      for (const pod of pods) {
        const location = located.get(pod.uid);
        const identity = identify(pod, node);
        if (location === undefined) {
          missing.add(pod.uid);
          if (!waiting.has(pod.uid)) log.info({ pod: nameOf(pod) }, 'no interface yet');
          continue;
        }
        for (const one of location.interfaces) {
          if (!attach(one, pod, identity)) missing.add(pod.uid);
        }
        for (const one of location.unseen) blind.push({ pod: nameOf(pod), ...one });
      }
      waiting = missing;
      tellUnseen([...blind, ...inPart()]);
    },
    detachAll() {
      for (const ifindex of attached.keys()) detach(ifindex);
    },
    counters: () => ({
      attached: attached.size,
      attaches,
      waiting: waiting.size,
      unseen,
      failures,
    }),
  };
}

function whyInPart({ name }: Attached): string {
  return `packets are redirected past ${name}: of some connections one direction alone passes there`;
}

function nameOf({ namespace, name }: Pod): string {
  return `${namespace}/${name}`;
}

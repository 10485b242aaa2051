import type { Logger } from 'pino';
import { canonicalJson } from '../functions/lib/canonical-json.ts';
import type { Capture } from '../native/capture/types.ts';
import { identify, type Selection } from './selection.ts';

/** Which interfaces the capture is attached to. */
export interface Attachments {
  /** Attaches and detaches until the capture traces the selection; call again to retry the rest. */
  reconcile(selection: Selection): void;
  detachAll(): void;
  counters(): AttachmentCounters;
}

/** Counters of {@link Attachments}; the first two are of now, the last is cumulative. */
export interface AttachmentCounters {
  readonly attached: number;
  /** Selected pods whose interface is not there, or not attachable. */
  readonly waiting: number;
  readonly failures: number;
}

/** What {@link createAttachments} needs. */
export interface AttachmentsOptions {
  readonly capture: Pick<Capture, 'attach' | 'detach' | 'setPorts'>;
  readonly node: string;
  /** Index of a network interface, undefined when there is none. */
  readonly ifindexOf: (name: string) => number | undefined;
  readonly log: Logger;
}

/** Nothing attached yet. */
export function createAttachments(options: AttachmentsOptions): Attachments {
  const { capture, node, ifindexOf, log } = options;
  /** ifindex → identity as text. */
  const attached = new Map<number, string>();
  let ports: string | undefined;
  let waiting: ReadonlySet<string> = new Set();
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

  return {
    reconcile({ pods, ports: wanted }) {
      if (pods.length > 0) setPorts(wanted);
      const present = pods.map((pod) => ({ pod, ifindex: ifindexOf(pod.interface) }));
      const keep = new Set(present.map(({ ifindex }) => ifindex));
      for (const ifindex of attached.keys()) if (!keep.has(ifindex)) detach(ifindex);

      const missing = new Set<string>();
      for (const { pod, ifindex } of present) {
        const identity = identify(pod, node);
        const text = canonicalJson(identity);
        const context = { ifindex, interface: pod.interface, pod: `${pod.namespace}/${pod.name}` };
        if (ifindex === undefined) {
          missing.add(pod.interface);
          if (!waiting.has(pod.interface)) log.warn(context, 'the interface is not there yet');
        } else if (attached.get(ifindex) !== text) {
          try {
            capture.attach(ifindex, identity);
            attached.set(ifindex, text);
            log.info(context, 'attached');
          } catch (error) {
            failures += 1;
            missing.add(pod.interface);
            if (!waiting.has(pod.interface)) log.error({ err: error, ...context }, 'cannot attach');
          }
        }
      }
      waiting = missing;
    },
    detachAll() {
      for (const ifindex of attached.keys()) detach(ifindex);
    },
    counters: () => ({ attached: attached.size, waiting: waiting.size, failures }),
  };
}

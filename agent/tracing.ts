import type { Logger } from 'pino';
import type { TapReport } from '../knative/events.ts';
import type { Capture } from '../native/capture/types.ts';
import { createAttachments, type AttachmentCounters } from './attachments.ts';
import type { OpenPodDirectory, Pod } from './pod-directory.ts';
import { reportTaps, select, type Selection } from './selection.ts';
import type { KnownTap, OpenTapList } from './tap-list.ts';
import type { ProcessLibraries } from './tls/process-libraries.ts';
import { createTlsAttachments, type PodTls } from './tls/tls-attachments.ts';

/** Keeps the capture attached to the pods that Taps select. */
export interface Tracing {
  /** Whether the pods of the node are known. */
  ready(): boolean;
  /** Whether all that is to be traced is traced, as far as it is known. */
  settled(): boolean;
  counters(): TracingCounters;
  /** Taps that select pods of the node. */
  reportTaps(): readonly TapReport[];
  /** Detaches everything, at once; resolves when no question is on its way any more. */
  stop(): Promise<void>;
}

/** Counters of {@link Tracing}; `failed` is cumulative. */
export interface TracingCounters {
  readonly attachments: AttachmentCounters;
  /** TLS libraries of the traced pods. */
  readonly tls: readonly PodTls[];
  readonly pods: { readonly known: number; readonly failed: number };
  readonly taps: { readonly known: number; readonly failed: number };
}

/** What {@link startTracing} needs. */
export interface TracingOptions {
  readonly capture: Pick<
    Capture,
    'attach' | 'attachProcess' | 'detach' | 'detachProcess' | 'oneWay' | 'overtaken' | 'setPorts'
  >;
  readonly processes: ProcessLibraries;
  /** Of a clock that never goes back. */
  readonly nowMs: () => number;
  /** Told of each selection, after a first part of it is attached to; the rest follows. */
  readonly onSelection: (selection: Selection) => void;
  readonly openPods: OpenPodDirectory;
  readonly openTaps: OpenTapList;
  readonly node: string;
  /** Namespaces whose pods are never traced. */
  readonly untapped: ReadonlySet<string>;
  readonly log: Logger;
}

/** Interfaces come and go without a word. */
const lookMs = 1_000;
/** A pod is announced before its interface is there: each look costs some 10 µs a process of the node. */
const soonMs = 200;
const soonTimes = 50;

const noTaps: readonly KnownTap[] = [];

/** Starts to follow pods and Taps. */
export function startTracing(options: TracingOptions): Tracing {
  const { capture, onSelection, openPods, openTaps, node, untapped, log } = options;
  const { processes, nowMs } = options;
  const attachments = createAttachments({ capture, node, nowMs, log });
  const tls = createTlsAttachments({ capture, processes, nowMs, log });
  let stopped = false;
  let due: NodeJS.Immediate | undefined;
  let timer: NodeJS.Timeout | undefined;
  let soon = 0;
  let reconciled = false;
  let last:
    | {
        readonly pods: readonly Pod[];
        readonly taps: readonly KnownTap[];
        readonly selection: Selection;
      }
    | undefined;

  /** The same one as long as neither has changed. */
  const selectionOf = (pods: readonly Pod[], wanted: readonly KnownTap[]): Selection => {
    if (last?.pods !== pods || last.taps !== wanted)
      last = { pods, taps: wanted, selection: select(pods, wanted, untapped) };
    return last.selection;
  };

  const reconcile = (): void => {
    due = undefined;
    const known = directory.pods();
    if (stopped || known === undefined) return;
    reconciled = taps.taps() !== undefined;
    const before = last?.selection;
    const selection = selectionOf(known, taps.taps() ?? noTaps);
    const more = attachments.reconcile(selection, directory);
    tls.reconcile(attachments.cgroups());
    if (selection !== before) onSelection(selection);
    const hurry = !more && soon > 0 && attachments.counters().waiting > 0;
    if (hurry) soon -= 1;
    clearTimeout(timer);
    timer = setTimeout(reconcile, more ? 0 : hurry ? soonMs : lookMs);
  };
  /** Changes come in crowds. */
  const onChange = (): void => {
    soon = soonTimes;
    due ??= setImmediate(reconcile);
  };
  const directory = openPods(onChange);
  const taps = openTaps(onChange);

  return {
    ready: () => directory.pods() !== undefined,
    settled: () => reconciled && attachments.counters().waiting === 0,
    counters: () => ({
      attachments: attachments.counters(),
      tls: tls.seen(),
      pods: { known: directory.pods()?.length ?? 0, failed: directory.failed },
      taps: { known: taps.taps()?.length ?? 0, failed: taps.failed },
    }),
    reportTaps: () => {
      const traced = new Set(attachments.counters().points.map(({ pod }) => pod));
      const isTraced = (pod: string): boolean => traced.has(pod);
      return reportTaps(directory.pods() ?? [], taps.taps() ?? [], untapped, isTraced);
    },
    async stop() {
      stopped = true;
      clearTimeout(timer);
      tls.detachAll();
      attachments.detachAll();
      await Promise.all([directory.stop(), taps.stop()]);
    },
  };
}

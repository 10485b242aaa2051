import type { Logger } from 'pino';
import type { Capture } from '../native/capture/types.ts';
import { createAttachments, type AttachmentCounters } from './attachments.ts';
import { every } from './every.ts';
import type { HttpClient } from './http-client.ts';
import { createPodDirectory } from './pod-directory.ts';
import { select } from './selection.ts';
import { createTapList } from './tap-list.ts';

/** Keeps the capture attached to the pods that Taps select. */
export interface Tracing {
  /** Whether the pod directory was read. */
  ready(): boolean;
  counters(): TracingCounters;
  /** Detaches everything, at once; resolves when no question is on its way any more. */
  stop(): Promise<void>;
}

/** Counters of {@link Tracing}. */
export interface TracingCounters {
  readonly attachments: AttachmentCounters;
  /** `broken`: versions of the file that were refused, cumulative. */
  readonly podsFile: { readonly pods: number; readonly broken: number };
  /** `failed`: questions without a good answer, cumulative. */
  readonly taps: { readonly known: number; readonly failed: number };
}

/** What {@link startTracing} needs. */
export interface TracingOptions {
  readonly capture: Pick<Capture, 'attach' | 'detach' | 'setPorts'>;
  readonly http: HttpClient;
  readonly podsFile: string;
  readonly node: string;
  /** Index of a network interface, undefined when there is none. */
  readonly ifindexOf: (name: string) => number | undefined;
  readonly log: Logger;
}

const pollMs = 1_000;

/** Starts to follow the pod directory and the Taps. */
export function startTracing(options: TracingOptions): Tracing {
  const { capture, http, podsFile, node, ifindexOf, log } = options;
  const attachments = createAttachments({ capture, node, ifindexOf, log });
  const taps = createTapList(http, log);
  let stopped = false;

  const reconcile = (): void => {
    const pods = directory.pods();
    if (!stopped && pods !== undefined) attachments.reconcile(select(pods, taps.taps()));
  };
  const rereadPods = async (): Promise<void> => {
    await directory.refresh();
    reconcile();
  };
  const directory = createPodDirectory({ file: podsFile, onHint: () => void rereadPods(), log });
  const loops = [
    // Each round also looks for interfaces that came or went.
    every(pollMs, rereadPods),
    every(pollMs, async (signal) => {
      await taps.refresh(signal);
      reconcile();
    }),
  ];

  return {
    ready: () => directory.pods() !== undefined,
    counters: () => ({
      attachments: attachments.counters(),
      podsFile: { pods: directory.pods()?.length ?? 0, broken: directory.broken },
      taps: { known: taps.taps().length, failed: taps.failed },
    }),
    async stop() {
      stopped = true;
      directory.close();
      attachments.detachAll();
      await Promise.all(loops.map((loop) => loop.stop()));
    },
  };
}

import type { AttachmentCounters } from './attachments.ts';
import { every, type Repeated } from './every.ts';
import type { HttpClient } from './http-client.ts';

/** What {@link createDemand} needs. */
export interface DemandOptions {
  /** Interfaces that are traced now, and how often one began to be. */
  readonly attachments: () => Pick<AttachmentCounters, 'attached' | 'attaches'>;
  /** How many Taps the cluster has, as far as is known. */
  readonly taps: () => number;
  /** To the ingest function. */
  readonly ingest: Pick<HttpClient, 'request'>;
  /** Unix ms. */
  readonly now: () => number;
}

/** Keeps ingest awake, which goes to zero when nobody asks, as long as there is a Tap, and tells when there is something to report. */
export interface Demand extends Repeated {
  /** Whether there is something to report: pods are traced, or were until a moment ago. */
  exists(): boolean;
}

/** Knative looks at the last 6 s at the least, and at the last minute by default, before it takes the last pod away. */
const askMs = 5_000;
const timeoutMs = 30_000;
/** The last evidence of a pod is complete once the watermark has passed it, a report or two later. */
const lingerMs = 10_000;

/**
 * With a Tap there may be spans at any time, also of pods that have not started, and none of them is to wait for a cold start: ingest
 * is asked for its health so often that one pod of it stays. That takes no right to change what Knative does.
 */
export function createDemand({ attachments, taps, ingest, now }: DemandOptions): Demand {
  let until = 0;
  let known = 0;
  const exists = (): boolean => {
    const { attached, attaches } = attachments();
    // A pod may have come and gone since the last call.
    if (attached > 0 || attaches > known) until = now() + lingerMs;
    known = attaches;
    return now() < until;
  };
  const asking = every(askMs, async (signal) => {
    if (taps() === 0) return;
    const path = '/health/ready';
    // Who does not answer is told of where spans are sent.
    await ingest.request({ method: 'GET', path, timeoutMs, signal }).catch(() => undefined);
  });
  return { exists, stop: () => asking.stop() };
}

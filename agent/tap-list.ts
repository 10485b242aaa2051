import type { Logger } from 'pino';
import { z } from 'zod';
import { tapSpec, type TapSpec } from '../knative/resources/tap.ts';
import type { HttpClient } from './http-client.ts';

/** What the agent needs of a Tap. */
export interface KnownTap {
  readonly namespace: string;
  readonly name: string;
  readonly spec: TapSpec;
}

/** The Taps of the control plane. */
export interface TapList {
  /** Asks the API once; without a good answer the last known list stays. Never rejects. */
  refresh(signal: AbortSignal): Promise<void>;
  /** Empty before the first answer: nothing is traced unasked. */
  taps(): readonly KnownTap[];
  /** Questions without a good answer. */
  readonly failed: number;
}

const list = z.object({
  items: z.array(
    z.object({
      metadata: z.object({ namespace: z.string(), name: z.string() }),
      spec: tapSpec,
    }),
  ),
});

const timeoutMs = 5_000;

/** A list kept by polling. */
export function createTapList(http: HttpClient, log: Logger): TapList {
  let taps: readonly KnownTap[] = [];
  let lastBody: Buffer | undefined;
  let failed = 0;
  let failing = false;

  const ask = async (signal: AbortSignal): Promise<void> => {
    const path = '/apis/clover.dev/v1alpha1/taps';
    const answer = await http.request({ method: 'GET', path, timeoutMs, signal });
    if (answer.status !== 200) throw new Error(`status ${answer.status}`);
    // Once a second for ever: parsing is for lists that changed.
    if (lastBody?.equals(answer.body) === true) return;
    const { items } = list.parse(JSON.parse(answer.body.toString('utf8')));
    taps = items.map(({ metadata: { namespace, name }, spec }) => ({ namespace, name, spec }));
    lastBody = answer.body;
    log.info({ taps: taps.length }, 'taps changed');
  };

  return {
    async refresh(signal) {
      try {
        await ask(signal);
        failing = false;
      } catch (error) {
        if (signal.aborted) return;
        failed += 1;
        if (!failing) log.warn({ why: String(error) }, 'no taps from the API: the last ones stay');
        failing = true;
      }
    },
    taps: () => taps,
    get failed() {
      return failed;
    },
  };
}

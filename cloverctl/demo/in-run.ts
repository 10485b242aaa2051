import { once } from 'node:events';
import type { Logger } from 'pino';
import { CloverError } from '../../functions/lib/errors.ts';
import { sweep } from '../supervisor/sweep.ts';
import { withRun, type RunSite } from '../supervisor/with-run.ts';
import type { Screen } from './screen.ts';

/** What {@link inRun} works with. */
export interface InRunOptions {
  /** Of the run: lower-case letters. */
  readonly kind: string;
  readonly screen: Screen;
  readonly log: Logger;
  /** Ends the work at any instant; everything is taken down all the same. */
  readonly signal: AbortSignal;
}

/**
 * Does a demo's work in a run of its own, and takes everything down, whatever happens. Runs that were killed before are taken down first.
 * @param onEnd called after the work, with everything still up; from there on the signal is the wished end.
 * @throws CloverError CLV_INTERNAL when it was stopped before that.
 */
export async function inRun<T>(
  { kind, screen, log, signal }: InRunOptions,
  work: (site: RunSite) => Promise<T>,
  onEnd?: (result: T) => Promise<void>,
): Promise<T> {
  for (const { path } of await sweep()) screen.note(`took down what ${path} had left`);
  return withRun({ kind, log }, async (site) => {
    const done = work(site);
    // After an abort the work may still wait for something: it is not waited for.
    done.catch(() => undefined);
    try {
      const result = await Promise.race([done, aborted(signal)]);
      await onEnd?.(result);
      return result;
    } finally {
      screen.close();
      if (signal.aborted) screen.note('stopped: taking everything down');
    }
  });
}

async function aborted(signal: AbortSignal): Promise<never> {
  if (!signal.aborted) await once(signal, 'abort');
  throw new CloverError('CLV_INTERNAL', 'the demo was stopped');
}

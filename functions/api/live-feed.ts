import { EventEmitter, once } from 'node:events';
import type { AnalyticsStore } from '../analytics/store.ts';
import type { Experiment } from '../../knative/resources/experiment.ts';
import type { ExperimentRun } from '../../knative/resources/experiment-run.ts';
import type { Clock } from '../lib/clock.ts';
import { toUnixMs } from '../lib/rfc3339.ts';
import type { ResourceStore } from '../resources/store.ts';
import { eventText } from './event-stream.ts';
import { followObjects, placeOf, type FollowedObjects } from './followed-objects.ts';
import type { LiveExperiment, LiveView } from './schemas/live.ts';
import type { Status } from './schemas/questions.ts';

/** What the live view shows. */
export interface LiveSources {
  readonly resources: Pick<ResourceStore, 'list' | 'watch'>;
  readonly analytics: Pick<AnalyticsStore, 'red'>;
  readonly status: () => Promise<Status>;
  readonly clock: Clock;
  /** Milliseconds between two views. Default: 1,000. */
  readonly periodMs?: number;
}

/** One view: made once, whatever the number of readers. */
export interface LiveFrame {
  readonly id: string;
  /** As it goes out. */
  readonly text: string;
}

/** Makes views while someone looks. */
export interface LiveFeed {
  /**
   * The newest view, and then each new one, until the signal aborts. A reader that is slower than
   * the feed gets the newest view each time.
   * @param known The id of a view that need not be given again.
   */
  follow(signal: AbortSignal, known?: string): AsyncIterable<LiveFrame>;
}

/** Where a view takes its parts from. */
interface Parts {
  readonly red: () => Promise<LiveView['red']>;
  readonly status: LiveSources['status'];
  readonly experiments: FollowedObjects<'Experiment'>;
  readonly runs: FollowedObjects<'ExperimentRun'>;
}

const redWindowMs = 60_000;
const shownAfterEndMs = 5 * 60_000;

/** A feed with one worker, which runs as long as there are readers. */
export function createLiveFeed(sources: LiveSources): LiveFeed {
  const { clock, resources, status, periodMs = 1_000 } = sources;
  const news = new EventEmitter().setMaxListeners(0);
  let newest: LiveFrame | undefined;
  const readers = new Set<AbortSignal>();
  let working = false;
  let sequence = 0;
  const red = patientRed(sources, periodMs);

  async function work(): Promise<void> {
    working = true;
    const looking = new AbortController();
    const parts: Parts = {
      red,
      status,
      experiments: followObjects(resources, 'Experiment', looking.signal),
      runs: followObjects(resources, 'ExperimentRun', looking.signal),
    };
    while (readers.size > 0) {
      const began = clock.now();
      const view = await liveView(parts, began).catch(() => undefined);
      if (view !== undefined) {
        // The time is part of the id, so that those of the process before are never met again.
        const id = `${view.at}-${(sequence += 1)}`;
        newest = { id, text: eventText({ id, data: view }) };
        news.emit('view');
      }
      await clock.sleep(Math.max(periodMs - (clock.now() - began), periodMs / 4));
    }
    looking.abort();
    working = false;
    newest = undefined;
  }

  return {
    async *follow(signal, known) {
      let shown = known;
      readers.add(signal);
      try {
        if (!working) void work();
        while (!signal.aborted) {
          const frame = newest;
          if (frame === undefined || frame.id === shown) {
            await once(news, 'view', { signal }).catch(() => undefined);
            continue;
          }
          shown = frame.id;
          yield frame;
        }
      } finally {
        readers.delete(signal);
      }
    },
  };
}

/**
 * A question to analytics that takes long is not asked twice at a time, and nothing waits for it longer than
 * a period: the view then shows the answer before. Null while there is none.
 */
function patientRed(
  { analytics, clock }: LiveSources,
  periodMs: number,
): () => Promise<LiveView['red']> {
  let newest: LiveView['red'] = null;
  let asking: Promise<void> | undefined;

  async function ask(): Promise<void> {
    const to = clock.now();
    const window = { from: to - redWindowMs, to };
    try {
      newest = { window, rows: [...(await analytics.red(window))] };
    } catch {
      newest = null;
    }
    asking = undefined;
  }

  return async () => {
    asking ??= ask();
    const enough = new AbortController();
    const patience = clock.sleep(periodMs, enough.signal).catch(() => undefined);
    await Promise.race([asking, patience]);
    enough.abort();
    return newest;
  };
}

async function liveView(parts: Parts, at: number): Promise<LiveView> {
  const [red, counters, experiments, runs] = await Promise.all([
    parts.red(),
    parts.status(),
    parts.experiments.now(),
    parts.runs.now(),
  ]);
  const byPlace = [...experiments].sort(([a], [b]) => (a < b ? -1 : 1));
  return {
    at,
    red,
    experiments: byPlace.flatMap(([, experiment]) => {
      const { namespace } = experiment.metadata;
      const run = runs.get(placeOf({ namespace, name: experiment.status.run ?? '' }));
      const ended = toUnixMs(run?.status.endedAt);
      if (ended !== undefined && ended < at - shownAfterEndMs) return [];
      return [liveExperiment(experiment, run)];
    }),
    broker: { ...counters['broker'] },
  };
}

function liveExperiment(
  { metadata, spec, status }: Experiment,
  run: ExperimentRun | undefined,
): LiveExperiment {
  const { intent, look, evidence, verdict = status.verdict } = run?.status ?? {};
  return {
    namespace: metadata.namespace,
    name: metadata.name,
    target: spec.targetRef.name,
    control: spec.control,
    variant: spec.variant,
    phase: run?.status.phase ?? status.phase ?? 'Pending',
    ...(run === undefined ? {} : { run: run.metadata.name }),
    ...(verdict === undefined ? {} : { verdict }),
    ...(intent === undefined ? {} : { epoch: intent.epoch, variantWeight: intent.variantWeight }),
    ...(look === undefined ? {} : { look: look.number }),
    ...(evidence === undefined
      ? {}
      : {
          samples: evidence.samples,
          errors: evidence.errors,
          effects: [...evidence.effects],
        }),
  };
}

import {
  evidenceReported,
  resourceChanges,
  type EvidenceCell,
  type ResourceReference,
} from '../../knative/events.ts';
import type { ExperimentRun } from '../../knative/resources/experiment-run.ts';
import type { Experiment } from '../../knative/resources/experiment.ts';
import { standingRun } from '../lib/arm-stamp.ts';
import { on } from '../host/event-handler.ts';
import type { CloverFunction } from '../host/function.ts';
import { onTick } from '../host/on-tick.ts';
import type { Invocation } from '../host/invocation.ts';
import type { Clock } from '../lib/clock.ts';
import { CloverError } from '../lib/errors.ts';
import { createRecent } from '../lib/recent.ts';
import { toUnixMs } from '../lib/rfc3339.ts';
import { listAll } from '../resources/list-all.ts';
import type { ResourceStore } from '../resources/store.ts';
import type { EvidenceStore } from '../evidence/evidence-store.ts';
import { createQueues, retryConflicts } from './in-turn.ts';
import { needsTicks, reconcile } from './reconcile.ts';
import type { StepContext } from './step-run.ts';
import { createTapStatuses } from './tap-statuses.ts';

/** Dependencies of {@link createEvaluate}. */
export interface EvaluateOptions {
  readonly resources: ResourceStore;
  readonly evidence: EvidenceStore;
  readonly clock: Clock;
}

/** Called less often than this we, and not the agents, were away: asleep, stopped, or the clock was set, ms. */
const absentMs = 10_000;

/** Evidence that nobody needs any more goes once in this time, ms. */
const pruneEveryMs = 60_000;

/** Experiments that no active run leads to are looked for once in this time, and so is anything while all rests, ms. */
const lookEveryMs = 10_000;

/** Those at their end, most of all there are, are among them once in this time: no event told that one was changed, or deleted, ms. */
const lookAllEveryMs = 60_000;

/** A run that is not there is asked for again after this time, ms. */
const ownerMs = 60_000;

/** How long the ledger may ask for standing traffic, and for runs that are over, ms. */
const standingMs = 3_600_000;
const endedMs = 24 * 3_600_000;

/** The schedule that looks at every experiment, for what no event told. */
const resyncSchedule = 'evaluate-resync';

/** The judge: evidence → looks → verdict → intent. */
export function createEvaluate(options: EvaluateOptions): CloverFunction {
  const { resources, evidence, clock } = options;
  const counts = { reports: 0, cells: 0, looks: 0, verdicts: 0, blind: 0, conflicts: 0 };
  let listeningSince = clock.now();
  let calledAt = listeningSince;
  let prunedAt: number | undefined;
  let lookedAt: number | undefined;
  /** Ticks and changes that were dealt with. */
  let told = 0;
  /** Changes of Experiments and their runs, and whatever was not done. */
  let changed = 0;
  /** When all Experiments were looked through, and how much had changed by then. */
  let lookedThrough: { readonly at: number; readonly changed: number } | undefined;
  /** When nothing was found to look at, and how much was told by then. */
  let rest: { readonly at: number; readonly told: number } | undefined;
  const isWithin = (ms: number, at: number | undefined): boolean =>
    at !== undefined && Math.abs(clock.now() - at) < ms;
  const owners = createRecent<readonly Key[]>({ ms: ownerMs, most: 1_000 });
  const context: Omit<StepContext, 'onBlind'> = {
    resources,
    evidence,
    clock,
    get listeningSince() {
      return listeningSince;
    },
    onLook: (body) => {
      counts.looks += 1;
      if (body.outcome !== 'CONTINUE') counts.verdicts += 1;
    },
  };
  const inTurn = createQueues();
  const onConflict = (): void => void (counts.conflicts += 1);
  const taps = createTapStatuses({ resources, evidence, clock, onConflict });

  const settle = ({ namespace, name }: Key): Promise<void> =>
    inTurn(`${namespace}/${name}`, async () => {
      let unforeseen: { readonly cause: unknown } | undefined;
      const onBlind = (cause: unknown): void => {
        counts.blind += 1;
        if (!(cause instanceof CloverError)) unforeseen = { cause };
      };
      const work = (): Promise<void> => reconcile({ ...context, onBlind }, namespace, name);
      await retryConflicts(`experiment ${namespace}/${name}`, work, onConflict);
      // A store that does not answer is told by a condition. What nobody foresaw is for the log, once all is done that can be.
      if (unforeseen !== undefined) throw unforeseen.cause;
    });

  const activeRuns = () => listAll(resources, 'ExperimentRun', { unfinished: true });

  /** The experiment that a stamp's run is of, which never changes; a stamp does not say where it is. */
  const experimentsOf = (run: string): Promise<readonly Key[]> =>
    owners.get(run, async () => {
      const { items } = await resources.list('ExperimentRun', undefined, { name: run });
      return items.map(ownerOf);
    });

  /** Reports come from every node in every second: they ask for the runs that they are of, and for no others. */
  const settleSeen = async (cells: readonly EvidenceCell[]): Promise<void> => {
    const runs = new Set(cells.map(({ run }) => run));
    for (const none of ['', standingRun]) runs.delete(none);
    await settleEach((await Promise.all([...runs].map(experimentsOf))).flat());
  };

  /** What fails with one of them is told at the end: the others must not wait for it. */
  const settleEach = async (experiments: readonly Key[]): Promise<void> => {
    const failures: unknown[] = [];
    const once = new Map(experiments.map((each) => [`${each.namespace}/${each.name}`, each]));
    for (const experiment of once.values()) {
      await settle(experiment).catch((error: unknown) => failures.push(error));
    }
    if (failures.length > 0) throw failures[0];
  };

  const attend = (): void => {
    const now = clock.now();
    if (Math.abs(now - calledAt) > absentMs) listeningSince = now;
    calledAt = now;
  };

  const prune = async (): Promise<void> => {
    if (isWithin(pruneEveryMs, prunedAt)) return;
    const now = clock.now();
    prunedAt = now;
    const active = await activeRuns();
    await evidence.prune({
      runs: active.map(({ metadata }) => metadata.name),
      standingFrom: Math.min(
        now - standingMs,
        ...active.map(({ status }) => toUnixMs(status.startedAt) ?? now),
      ),
      endedFrom: now - endedMs,
    });
  };

  /** Experiments that need ticks: of all, or of those that are not at their end. */
  const wakeful = async (all: boolean): Promise<Experiment[]> => {
    const asked = { at: clock.now(), changed };
    const found = await listAll(resources, 'Experiment', all ? {} : { unfinished: true });
    if (all) lookedThrough = asked;
    return found.filter(needsTicks);
  };

  /** An event that was lost for good must not leave an experiment waiting for ever; nor need it be found in every second. */
  const overlooked = async (): Promise<Key[]> => {
    if (isWithin(lookEveryMs, lookedAt)) return [];
    const now = clock.now();
    const experiments = await wakeful(!isWithin(lookAllEveryMs, lookedThrough?.at));
    lookedAt = now;
    return experiments.map(keyOf);
  };

  const onResource = async ({ kind, namespace, name }: ResourceReference): Promise<void> => {
    if (kind === 'Experiment') return settle({ namespace, name });
    if (kind === 'Tap') return taps.settle({ namespace, name });
    if (kind === 'TrafficPolicy') {
      const fields = { 'spec.targetRef.name': name };
      const { items } = await resources.list('Experiment', namespace, { fields });
      return settleEach(items.map(keyOf));
    }
    const run = await resources.get('ExperimentRun', namespace, name);
    if (run !== undefined) await settle(ownerOf(run));
  };

  /** Whether a look would find something to do. It is asked for in every second, and at rest it need not be found out in each. */
  const needsLooks = async (): Promise<boolean> => {
    if (rest?.told === told && isWithin(lookEveryMs, rest.at)) return false;
    const asked = { at: clock.now(), told };
    const all = lookedThrough?.changed !== changed || !isWithin(lookAllEveryMs, lookedThrough.at);
    const needed = (await activeRuns()).length > 0 || (await wakeful(all)).length > 0;
    rest = needed ? undefined : asked;
    return needed;
  };

  /** What every invocation begins with. */
  const begin = ({ signal }: Invocation): void => {
    signal.throwIfAborted();
    attend();
  };

  /** Something has changed, or is to be looked for: whatever comes of it, what was found before does not count. */
  const hear = async (invocation: Invocation, work: () => Promise<void>): Promise<void> => {
    begin(invocation);
    try {
      await work();
    } catch (error) {
      changed += 1;
      throw error;
    } finally {
      told += 1;
    }
  };

  return {
    name: 'evaluate',

    handlers: [
      on(evidenceReported, async ({ source, data: report }, invocation) => {
        begin(invocation);
        await evidence.merge(source, report, clock.now());
        counts.reports += 1;
        counts.cells += report.cells.length;
        await prune();
        await settleSeen(report.cells);
        await taps.hear(source, report.taps ?? []);
      }),
      onTick(({ data: { schedule } }, invocation) =>
        hear(invocation, async () => {
          if (schedule === resyncSchedule) {
            await settleEach((await listAll(resources, 'Experiment')).map(keyOf));
            return taps.settleAll();
          }
          const active = (await activeRuns()).map(ownerOf);
          await settleEach([...active, ...(await overlooked())]);
        }),
      ),
      ...Object.values(resourceChanges).map((change) =>
        on(change, ({ data }, invocation) => {
          if (data.kind === 'Experiment' || data.kind === 'ExperimentRun') changed += 1;
          return hear(invocation, () => onResource(data));
        }),
      ),
    ],

    async isActive(schedule): Promise<boolean> {
      if (schedule === resyncSchedule) {
        const { items } = await resources.list('Experiment', undefined, { limit: 1 });
        return items.length > 0 || (await taps.exist());
      }
      return needsLooks();
    },

    counters: () => ({ ...counts }),
  };
}

/** Where an experiment is. */
interface Key {
  readonly namespace: string;
  readonly name: string;
}

const keyOf = ({ metadata: { namespace, name } }: Experiment): Key => ({ namespace, name });

const ownerOf = ({ metadata: { namespace }, spec }: ExperimentRun): Key => ({
  namespace,
  name: spec.experiment.name,
});

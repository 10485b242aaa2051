import { evidenceReported, resourceChanges, type ResourceReference } from '../../knative/events.ts';
import { on } from '../host/event-handler.ts';
import type { CloverFunction } from '../host/function.ts';
import { onTick } from '../host/on-tick.ts';
import type { Invocation } from '../host/invocation.ts';
import type { Clock } from '../lib/clock.ts';
import { CloverError } from '../lib/errors.ts';
import { isFinal } from '../lib/final-phase.ts';
import type { ResourceStore } from '../resources/store.ts';
import type { EvidenceStore } from '../evidence/evidence-store.ts';
import { needsTicks, reconcile } from './reconcile.ts';
import type { StepContext } from './step-run.ts';

/** Dependencies of {@link createEvaluate}. */
export interface EvaluateOptions {
  readonly resources: ResourceStore;
  readonly evidence: EvidenceStore;
  readonly clock: Clock;
}

/** Lost races that one invocation makes good by itself. */
const maxConflicts = 20;

/** Called less often than this we, and not the agents, were away: asleep, stopped, or the clock was set, ms. */
const absentMs = 10_000;

/** Evidence that nobody needs any more goes once in this time, ms. */
const pruneEveryMs = 60_000;

/** How long the ledger may ask for standing traffic, and for runs that are over, ms. */
const standingMs = 3_600_000;
const endedMs = 24 * 3_600_000;

/** The schedule that looks at every experiment, for what no event told. */
const resyncSchedule = 'evaluate-resync';

/** The judge: evidence → looks → verdict → intent. */
export function createEvaluate(options: EvaluateOptions): CloverFunction {
  const { resources, evidence, clock } = options;
  const counts = { reports: 0, cells: 0, looks: 0, verdicts: 0, conflicts: 0 };
  let listeningSince = clock.now();
  let calledAt = listeningSince;
  let prunedAt: number | undefined;
  const context: StepContext = {
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

  const settle = (namespace: string, name: string): Promise<void> =>
    inTurn(`${namespace}/${name}`, async () => {
      for (let attempt = 0; attempt < maxConflicts; attempt += 1) {
        try {
          return await reconcile(context, namespace, name);
        } catch (error) {
          // Someone else wrote, or deleted, what was read: read again.
          const lost = error instanceof CloverError && retried.has(error.code);
          if (!lost) throw error;
          counts.conflicts += 1;
        }
      }
      const message = `experiment ${namespace}/${name} is written to by others all the time`;
      throw new CloverError('CLV_OVERLOADED', message, { retryAfter: 1 });
    });

  const settleActive = async (): Promise<void> => {
    const { items } = await resources.list('ExperimentRun');
    const active = items.filter((run) => !isFinal(run.status.phase));
    await settleEach(
      active.map(({ metadata: { namespace }, spec }) => ({
        namespace,
        name: spec.experiment.name,
      })),
    );
  };

  /** What fails with one of them is told at the end: the others must not wait for it. */
  const settleEach = async (
    experiments: readonly { readonly namespace: string; readonly name: string }[],
  ): Promise<void> => {
    const failures: unknown[] = [];
    for (const { namespace, name } of experiments) {
      await settle(namespace, name).catch((error: unknown) => failures.push(error));
    }
    if (failures.length > 0) throw failures[0];
  };

  const attend = (): void => {
    const now = clock.now();
    if (Math.abs(now - calledAt) > absentMs) listeningSince = now;
    calledAt = now;
  };

  const prune = async (): Promise<void> => {
    const now = clock.now();
    if (prunedAt !== undefined && Math.abs(now - prunedAt) < pruneEveryMs) return;
    prunedAt = now;
    const { items } = await resources.list('ExperimentRun');
    const active = items.filter((run) => !isFinal(run.status.phase));
    await evidence.prune({
      runs: active.map(({ metadata }) => metadata.name),
      standingFrom: Math.min(
        now - standingMs,
        ...active.map(({ status }) => status.startedAt ?? now),
      ),
      endedFrom: now - endedMs,
    });
  };

  const settleWhere = async (
    namespace: string | undefined,
    wanted: (experiment: Awaited<ReturnType<typeof listExperiments>>[number]) => boolean,
  ): Promise<void> => {
    const experiments = (await listExperiments(namespace)).filter(wanted);
    await settleEach(experiments.map(({ metadata }) => metadata));
  };

  const listExperiments = async (namespace: string | undefined) =>
    (await resources.list('Experiment', namespace)).items;

  const onResource = async ({ kind, namespace, name }: ResourceReference): Promise<void> => {
    if (kind === 'Experiment') return settle(namespace, name);
    if (kind === 'TrafficPolicy') {
      return settleWhere(namespace, ({ spec }) => spec.targetRef.name === name);
    }
    const run = await resources.get('ExperimentRun', namespace, name);
    if (run !== undefined) await settle(namespace, run.spec.experiment.name);
  };

  /** What every invocation begins with. */
  const begin = ({ signal }: Invocation): void => {
    signal.throwIfAborted();
    attend();
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
        await settleActive();
      }),
      onTick(async ({ data: { schedule } }, invocation) => {
        begin(invocation);
        // An event that was lost for good must not leave an experiment waiting for ever.
        await settleWhere(undefined, schedule === resyncSchedule ? () => true : needsTicks);
        await settleActive();
      }),
      ...Object.values(resourceChanges).map((change) =>
        on(change, async ({ data }, invocation) => {
          begin(invocation);
          await onResource(data);
        }),
      ),
    ],

    async isActive(schedule): Promise<boolean> {
      if (schedule === resyncSchedule) return (await listExperiments(undefined)).length > 0;
      const { items } = await resources.list('ExperimentRun');
      if (items.some((run) => !isFinal(run.status.phase))) return true;
      return (await listExperiments(undefined)).some(needsTicks);
    },

    counters: () => ({ ...counts }),
  };
}

const retried: ReadonlySet<string> = new Set(['CLV_CONFLICT', 'CLV_NOT_FOUND']);

/** Runs work of the same key one after the other; a failure does not stop the next. */
function createQueues(): (key: string, work: () => Promise<void>) => Promise<void> {
  const tails = new Map<string, Promise<void>>();
  return async (key, work) => {
    const turn = (tails.get(key) ?? Promise.resolve()).then(work, work);
    tails.set(key, turn);
    try {
      await turn;
    } finally {
      if (tails.get(key) === turn) tails.delete(key);
    }
  };
}

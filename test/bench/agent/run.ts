import { traced, type Bed, type Traced } from '../lib/bed.ts';
import { mean, sum } from '../lib/mean.ts';
import type { Nginx } from '../lib/nginx.ts';

/** What nginx served in a run, and what the agent made of it. */
export interface Run extends Traced<number> {
  readonly served: number;
  readonly seen: number;
}

/** A load on nginx, from rest to rest. */
export async function counted(bed: Bed, nginx: Nginx, load: () => Promise<number>): Promise<Run> {
  const servedBefore = await nginx.requests();
  const one = await traced(bed, load);
  return {
    ...one,
    served: (await nginx.requests()) - servedBefore,
    seen: one.after.capture.requests.seen - one.before.capture.requests.seen,
  };
}

/** Several of one kind as one; what is untraced between them moves no counter. */
export function addUp(runs: readonly Run[]): Run {
  const [first, last] = [runs[0], runs.at(-1)];
  if (first === undefined || last === undefined) throw new RangeError('no run');
  const total = (of: (one: Run) => number): number => sum(runs.map(of));
  return {
    result: mean(runs.map(({ result }) => result)),
    before: first.before,
    after: last.after,
    served: total(({ served }) => served),
    seen: total(({ seen }) => seen),
    micros: {
      kernel: total(({ micros }) => micros.kernel),
      user: total(({ micros }) => micros.user),
      system: total(({ micros }) => micros.system),
    },
    programs: {
      runs: total(({ programs }) => programs.runs),
      ns: total(({ programs }) => programs.ns),
    },
  };
}

/** CPU of kernel programs and agent, per request that nginx served. */
export const cpuMicros = ({ micros, served }: Run): number =>
  (micros.kernel + micros.user + micros.system) / served;

/** nginx and the agent count the same, but for what is in flight when a load ends. */
export const unexplainedOf = ({ served, seen, after }: Run): number =>
  Math.max(0, Math.abs(served - seen) - after.capture.requests.open);

/** Segments that the kernel programs handed up with their payload. */
export function copiedSegments({ before, after }: Traced<unknown>): number {
  const [from, to] = [before.capture.wire, after.capture.wire];
  return to.segments - from.segments - (to.unwanted - from.unwanted);
}

/** What is left for the runs that copy when those that do not, such as of bare acknowledgements, cost what they cost elsewhere. */
export function nsPerCopyingRun(one: Traced<unknown>, nsPerIgnoring: number): number {
  const { runs, ns } = one.programs;
  const copying = copiedSegments(one);
  return (ns - (runs - copying) * nsPerIgnoring) / copying;
}

import { traced, type Bed } from '../lib/bed.ts';
import { chatter } from '../lib/chatter.ts';
import { attachEmptyProgram } from '../lib/empty-program.ts';
import { copiedSegments } from './run.ts';

const messages = 50_000;

/** Nanoseconds per run on packets of a connection whose bytes are of no protocol: user space has told the kernel not to copy them. */
export async function nsPerIgnoringRun(bed: Bed): Promise<number> {
  const one = await traced(bed, () => chatter(bed.network, messages, bed.signal));
  const copied = copiedSegments(one);
  if (copied > one.programs.runs / 100) throw new Error(`${copied} segments were copied`);
  return one.programs.ns / one.programs.runs;
}

/**
 * The same at the veth, and beside it of a program there that does nothing and sees the same packets: what a run costs at least,
 * with the two readings of the clock by which runs are measured.
 */
export async function besideEmptyProgram(bed: Bed): Promise<{ own: number; empty: number }> {
  await using program = await attachEmptyProgram(bed.network.server.hostInterface);
  const own = await nsPerIgnoringRun(bed);
  const { runs, ns } = await program.runs();
  return { own, empty: ns / runs };
}

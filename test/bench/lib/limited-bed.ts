import { bundledAgent } from '../../agent/helpers/bundled-agent.ts';
import { limitMemory, type MemoryLimit } from '../../agent/helpers/memory-limit.ts';
import { makeBed, type Bed } from './bed.ts';

/** The limit of the agent's container. */
export const limitBytes: number = 96 * 2 ** 20;
/** As in a pod. */
const ringBytes = 16 * 2 ** 20;

/** A bed whose agent is as its image has it, in a cgroup with the limit of its container. */
export async function makeLimitedBed(
  cleanUp: AsyncDisposableStack,
  signal: AbortSignal,
  interfaces: readonly string[] = [],
): Promise<{ readonly bed: Bed; readonly limit: MemoryLimit }> {
  const atEnd = { teardown: (work: () => Promise<void>) => cleanUp.defer(work) };
  const limit = await limitMemory(atEnd, limitBytes);
  const command = [...limit.prefix, ...(await bundledAgent(atEnd))];
  const bed = await makeBed(cleanUp, signal, { interfaces, command, capture: { ringBytes } });
  return { bed, limit };
}

/** Mebibytes to a tenth. */
export const mib = (bytes: number): number => Math.round((10 * bytes) / 2 ** 20) / 10;

import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { agentProcess, bundleProcess } from '../../../infra/images/process-bundle.ts';
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
  const limit = await limitMemory({ teardown: (work) => cleanUp.defer(work) }, limitBytes);
  const command = [...limit.prefix, process.execPath, ...(await bundled(cleanUp))];
  const bed = await makeBed(cleanUp, signal, { interfaces, command, capture: { ringBytes } });
  return { bed, limit };
}

/** Arguments of Node. */
async function bundled(cleanUp: AsyncDisposableStack): Promise<readonly string[]> {
  const folder = await mkdtemp(join(tmpdir(), 'clover-bundle-'));
  cleanUp.defer(() => rm(folder, { recursive: true, force: true }));
  const repository = fileURLToPath(new URL('../../../', import.meta.url));
  const natives = join(repository, 'native');
  return (await bundleProcess(agentProcess, repository, natives, join(folder, 'agent'))).args;
}

/** Mebibytes to a tenth. */
export const mib = (bytes: number): number => Math.round((10 * bytes) / 2 ** 20) / 10;

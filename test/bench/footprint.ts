import { setTimeout as sleep } from 'node:timers/promises';
import type { MemoryLimit } from '../agent/helpers/memory-limit.ts';
import { pacedLoad } from './agent/loads.ts';
import { counted, cpuMicros } from './agent/run.ts';
import { sum } from './lib/mean.ts';
import { attach, lossesOf, settled, type Bed } from './lib/bed.ts';
import type { Figures } from './lib/bench.ts';
import { need, run } from './lib/command.ts';
import { limitBytes, makeLimitedBed, mib } from './lib/limited-bed.ts';
import { makeLinks } from './lib/many-links.ts';
import { startNginx } from './lib/nginx.ts';

const pods = 1_000;
/** As many processes at each end: one may have no more than 20,000 files. */
const processes = 4;
const connections = 12_500;
const perSecond = 1_250;
/** Each of them asks every ten seconds: first ones have to be there until the last ones have come. */
const requestsOfEach = 6;

/**
 * The agent as its image has it, in a cgroup with its container's limit of memory: a thousand pods are traced, and of one of them
 * 50,000 connections on which 5,000 requests/s come.
 */
export async function benchFootprint(
  progress: (line: string) => void,
  signal: AbortSignal,
): Promise<Figures> {
  need(['h2load', 'ip', 'nginx', 'nsenter']);
  const cleanUp = new AsyncDisposableStack();
  try {
    const links = await makeLinks(pods - 1);
    cleanUp.defer(() => links.remove());
    const { bed, limit } = await makeLimitedBed(cleanUp, signal, links.names);
    return await measure(bed, limit, cleanUp, progress);
  } finally {
    await cleanUp.disposeAsync();
  }
}

async function measure(
  bed: Bed,
  limit: MemoryLimit,
  cleanUp: AsyncDisposableStack,
  progress: (line: string) => void,
): Promise<Figures> {
  const nginx = await startNginx(bed.network.server, bed.dir, processes);
  cleanUp.defer(() => nginx.stop());
  await manyPorts(bed);
  const idle = await limit.boundBytes();
  await attach(bed, 'veth');
  const attached = await limit.boundBytes();
  progress(`${mib(idle)} MiB without a Tap, ${mib(attached)} MiB with ${pods} pods traced`);
  const watched = watch(bed, limit);
  const share = { connections, perSecond, requests: connections * requestsOfEach };
  const load = pacedLoad(bed, nginx, share);
  const one = await counted(bed, nginx, async () =>
    sum(await Promise.all(Array.from({ length: processes }, load))),
  );
  const most = await watched.end();
  progress(`${mib(most.bytes)} MiB with ${most.connections} connections`);
  const ledger = await settled(bed);
  return {
    memoryMiB: mib(most.bytes),
    memoryMiBOf: {
      withoutTap: mib(idle),
      podsTraced: mib(attached),
      underLoad: mib(most.bytes),
      withCacheOfFiles: mib(await limit.mostBytes()),
      limit: mib(limitBytes),
    },
    oomKills: await limit.oomKills(),
    pods: ledger.attachments.points.length,
    connections: most.connections,
    requestsPerSecond: Math.round(one.result),
    capturedRatio: one.seen / one.served,
    cpuMicrosPerRequest: cpuMicros(one),
    // Requests on connections that are not followed are in no count but that of their bytes.
    skippedBytes: ledger.capture.bytes.skipped,
    unexplained: ledger.unexplained,
    lost: lossesOf(ledger),
  };
}

interface Most {
  readonly bytes: number;
  readonly connections: number;
}

/** Looks four times a second, until its end. */
function watch({ agent }: Bed, limit: MemoryLimit): { end(): Promise<Most> } {
  const done = new AbortController();
  const watching = (async () => {
    const most = { bytes: 0, connections: 0 };
    while (!done.signal.aborted) {
      const { open } = (await agent.ledger()).capture.connections;
      most.connections = Math.max(most.connections, open);
      most.bytes = Math.max(most.bytes, await limit.boundBytes());
      await sleep(250);
    }
    return most;
  })();
  // Told at the end, before which what was set up has to be taken down.
  watching.catch(() => undefined);
  return {
    end: () => {
      done.abort();
      return watching;
    },
  };
}

/** The kernel's own range has room for 28,000 connections to one port. */
async function manyPorts({ network, signal }: Bed): Promise<void> {
  const range = 'echo 1024 65535 >/proc/sys/net/ipv4/ip_local_port_range';
  await run(...network.client.inside(['sh', '-c', range]), signal);
}

import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { isDeepStrictEqual } from 'node:util';
import { freePort } from '../../../functions/lib/free-port.ts';
import { inCgroup, makeCgroup, removeCgroups } from '../../native/capture/cgroup.ts';
import {
  startAgent,
  type AgentLedger,
  type AgentProcess,
  type AgentProcessOptions,
} from './agent-process.ts';
import { makeNetwork, type Host, type Network } from './network.ts';
import { programRuns, type ProgramRuns } from './programs.ts';
import { startSink, type Sink } from './sink.ts';
import { setSysctl } from './sysctl.ts';

/** Where the server is traced. */
export type Place = 'veth' | 'cgroup';

/** Two hosts, of which the server is a pod that the real agent can trace, into a sink that counts and discards. */
export interface Bed {
  /** For files; goes with the bed. */
  readonly dir: string;
  readonly network: Network;
  readonly sink: Sink;
  readonly agent: AgentProcess;
  /** Pods that the agent knows, by where they are traced. */
  readonly pods: ReadonlyMap<Place, readonly string[]>;
  readonly signal: AbortSignal;
}

/** What a bed may have beside the usual. */
export interface BedOptions extends Pick<AgentProcessOptions, 'command' | 'capture'> {
  /** Interfaces of more pods, which are traced with the server at its veth. */
  readonly interfaces?: readonly string[];
}

/** What the agent did during a piece of work, from rest to rest. */
export interface Traced<T> {
  readonly result: T;
  readonly before: AgentLedger;
  readonly after: AgentLedger;
  /** CPU of the kernel programs, and of the agent's process. */
  readonly micros: { readonly kernel: number; readonly user: number; readonly system: number };
  readonly programs: ProgramRuns;
}

/** Sets it up; `cleanUp` takes it down. */
export async function makeBed(
  cleanUp: AsyncDisposableStack,
  signal: AbortSignal,
  { interfaces = [], ...options }: BedOptions = {},
): Promise<Bed> {
  const dir = await mkdtemp(join(tmpdir(), 'clover-bench-'));
  cleanUp.defer(() => rm(dir, { recursive: true, force: true }));
  cleanUp.defer(await setSysctl('kernel.bpf_stats_enabled', '1'));
  const { server, ...others } = await makeNetwork();
  cleanUp.defer(() => others.remove());
  const cgroup = makeCgroup(server.namespace);
  cleanUp.defer(() => removeCgroups(cgroup));
  const network = { ...others, server: confined(server, cgroup) };
  const sink = await startSink();
  cleanUp.defer(() => sink.stop());
  const atVeth = [server.hostInterface, ...interfaces].map((name, at) =>
    podOf('veth', at, { interface: name }),
  );
  const atCgroup = [podOf('cgroup', 0, { cgroup })];
  const port = await freePort();
  const pods = [...atVeth, ...atCgroup];
  const agent = await startAgent({ dir, controlPlaneUrl: sink.url, pods, port, ...options });
  cleanUp.defer(() => agent.stop());
  return {
    dir,
    network,
    sink,
    agent,
    pods: new Map([
      ['veth', atVeth.map(({ name }) => name)],
      ['cgroup', atCgroup.map(({ name }) => name)],
    ]),
    signal,
  };
}

/** Has the server traced there, or nowhere, by a Tap, and waits for it. */
export async function attach({ sink, agent, pods, signal }: Bed, place?: Place): Promise<void> {
  await sink.setTaps(place === undefined ? [] : [tapOf(place)]);
  const names = place === undefined ? [] : (pods.get(place) ?? []);
  const wanted = new Set(names.map((name) => `bench/${name}`));
  // One after the other, on a busy machine 25 ms each and more.
  const patienceMs = 10_000 + 150 * (pods.get('veth')?.length ?? 0);
  for (const deadline = Date.now() + patienceMs; Date.now() < deadline;) {
    const { points } = (await agent.ledger()).attachments;
    const seen = new Set(points.map(({ pod }) => pod));
    if (isDeepStrictEqual(seen, wanted)) return;
    await sleep(100, undefined, { signal });
  }
  throw new Error(
    `the agent does not ${place === undefined ? 'detach' : `attach at the ${place}`}`,
  );
}

const tapOf = (place: Place): object => ({
  metadata: { namespace: 'bench', name: 'server' },
  spec: { selector: { matchLabels: { place } } },
});

/** Does `work`, and tells what it was to an agent that traces. */
export async function traced<T>(bed: Bed, work: () => Promise<T>): Promise<Traced<T>> {
  const { pid } = bed.agent;
  const [before, programsBefore] = [await settled(bed), await programRuns(pid)];
  const result = await work();
  const [after, programsAfter] = [await settled(bed), await programRuns(pid)];
  return {
    result,
    before,
    after,
    micros: {
      kernel: (after.kernelCpuNs - before.kernelCpuNs) / 1_000,
      user: after.cpuMicros.user - before.cpuMicros.user,
      system: after.cpuMicros.system - before.cpuMicros.system,
    },
    programs: {
      runs: programsAfter.runs - programsBefore.runs,
      ns: programsAfter.ns - programsBefore.ns,
    },
  };
}

/** Everything that the agent counts as lost, by what it is and why. */
export function lossesOf({ capture, sink }: AgentLedger): Record<string, number> {
  const spans = Object.entries(sink.lost).map(([cause, count]): [string, number] => [
    cause,
    count.spans,
  ]);
  const groups = {
    wire: capture.wire.lost,
    bytes: capture.bytes.lost,
    requests: capture.requests.lost,
    spans: Object.fromEntries(spans),
  };
  return Object.fromEntries(
    Object.entries(groups).flatMap(([group, causes]) =>
      Object.entries(causes)
        .filter(([, count]) => count > 0)
        .map(([cause, count]) => [`${group}.${cause}`, count]),
    ),
  );
}

/** The ledger once nothing moves any more: no new segments, nothing undelivered. */
export async function settled({ agent, signal }: Bed): Promise<AgentLedger> {
  let segments = -1;
  for (const deadline = Date.now() + 15_000; Date.now() < deadline;) {
    const ledger = await agent.ledger();
    const quiet = ledger.capture.wire.segments === segments && ledger.sink.pending.spans === 0;
    if (quiet) return ledger;
    segments = ledger.capture.wire.segments;
    await sleep(300, undefined, { signal });
  }
  throw new Error('the agent does not come to rest');
}

/** What is started there is in the cgroup as well. */
function confined(host: Host, cgroup: string): Host {
  return {
    ...host,
    inside(command) {
      const [program, args] = host.inside(command);
      return ['sh', ['-c', inCgroup(cgroup), 'sh', program, ...args]];
    },
  };
}

function podOf(place: Place, at: number, point: object) {
  const name = `${place}-${at}`;
  const labels = { app: 'server', version: 'v1', place };
  return { namespace: 'bench', name, uid: name, labels, ...point };
}

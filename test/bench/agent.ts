import type { Figures } from './lib/bench.ts';
import { attach, lossesOf, makeBed, settled, type Bed } from './lib/bed.ts';
import { need } from './lib/command.ts';
import { startNginx, type Nginx } from './lib/nginx.ts';
import { besideEmptyProgram, nsPerIgnoringRun } from './agent/ignoring.ts';
import { compareLatency } from './agent/latency.ts';
import { loadsOf, pacedLoad, type Load } from './agent/loads.ts';
import { sum } from './lib/mean.ts';
import { counted, cpuMicros, nsPerCopyingRun, unexplainedOf, type Run } from './agent/run.ts';
import { atFullSpeed, wrk } from './agent/wrk.ts';

/**
 * A real nginx behind a veth, with and without the real agent in turns: wrk at full speed, h2load at a fixed rate, pipelining and with
 * many streams, HTTP/1 at nginx's cgroup as well, and latencies in an open loop. nginx's stub_status is the denominator; CPU is the
 * kernel's count of its BPF programs plus all of the agent's process.
 */
export async function benchAgent(
  progress: (line: string) => void,
  signal: AbortSignal,
): Promise<Figures> {
  need(['bpftool', 'h2load', 'ip', 'nginx', 'nsenter', 'tc', 'wrk']);
  const cleanUp = new AsyncDisposableStack();
  try {
    const bed = await makeBed(cleanUp, signal);
    const nginx = await startNginx(bed.network.server, bed.dir);
    cleanUp.defer(() => nginx.stop());
    progress(`nginx, sink and agent (pid ${bed.agent.pid}) are up`);
    return await measure(bed, nginx, progress);
  } finally {
    await cleanUp.disposeAsync();
  }
}

async function measure(bed: Bed, nginx: Nginx, progress: (line: string) => void): Promise<Figures> {
  const full = await atFullSpeed(bed, nginx, progress);
  const runs = new Map([['http1AtFullSpeed', full.run]]);
  const runOne = async (name: string, load: Load): Promise<Run> => {
    const one = await counted(bed, nginx, load);
    runs.set(name, one);
    const rate = `${one.result.toFixed(0)} requests/s, ${cpuMicros(one).toFixed(2)} µs each`;
    progress(`${name}: ${rate}, ${one.seen} of ${one.served} seen`);
    return one;
  };
  for (const [name, load] of loadsOf(bed, nginx)) await runOne(name, load);
  const ignoring = await besideEmptyProgram(bed);

  await attach(bed, 'cgroup');
  const atCgroup = await runOne('http1AtFullSpeedAtCgroup', () => wrk(bed, nginx));
  await runOne('http1At5kPerSecondAtCgroup', pacedLoad(bed, nginx));
  const ignoringAtCgroup = await nsPerIgnoringRun(bed);
  progress(
    `ns per ignoring run: ${ignoring.own.toFixed(0)} at the veth (of an empty program ${ignoring.empty.toFixed(0)}), ${ignoringAtCgroup.toFixed(0)} at the cgroup`,
  );

  const latency = await compareLatency(bed, nginx, progress);
  const ledger = await settled(bed);
  const { spans, bytes } = await bed.sink.counts();
  const of = (figure: (one: Run) => number): Record<string, number> =>
    Object.fromEntries([...runs].map(([name, one]) => [name, figure(one)]));
  return {
    requestsPerSecond: Math.round(full.run.result),
    baselineRequestsPerSecond: Math.round(full.baseline),
    throughputRatio: full.run.result / full.baseline,
    requests: full.run.served,
    capturedRatio: Math.min(...[...runs.values()].map((one) => one.seen / one.served)),
    capturedRatioOf: of((one) => one.seen / one.served),
    unexplained:
      ledger.unexplained +
      Math.abs(ledger.sink.accepted.spans - spans) +
      sum([...runs.values()].map(unexplainedOf)),
    inFlight: ledger.capture.requests.open,
    cpuMicrosPerRequest: cpuMicros(full.run),
    cpuMicrosPerRequestOf: of(cpuMicros),
    kernelMicrosPerRequest: full.run.micros.kernel / full.run.served,
    agentUserMicrosPerRequest: full.run.micros.user / full.run.served,
    agentSystemMicrosPerRequest: full.run.micros.system / full.run.served,
    nsPerCopyingRun: nsPerCopyingRun(full.run, ignoring.own),
    nsPerCopyingRunAtCgroup: nsPerCopyingRun(atCgroup, ignoringAtCgroup),
    nsPerIgnoringRun: ignoring.own,
    nsPerIgnoringRunAtCgroup: ignoringAtCgroup,
    nsPerEmptyRun: ignoring.empty,
    ...latency,
    compressedBytesPerSpan: bytes / Math.max(1, spans),
    agentMaxRssMiB: Math.round(ledger.maxRssBytes / 2 ** 20),
    lost: lossesOf(ledger),
  };
}

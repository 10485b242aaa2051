import type { Figures } from './lib/bench.ts';
import { attach, lossesOf, makeBed, settled, traced, type Bed, type Traced } from './lib/bed.ts';
import { chatter } from './lib/chatter.ts';
import { need, run } from './lib/command.ts';
import { startNginx, type Nginx } from './lib/nginx.ts';
import type { ProgramRuns } from './lib/programs.ts';
import { compareLatency } from './agent/latency.ts';
import { loadsOf } from './agent/loads.ts';

const rounds = 4;
const runSeconds = 3;
const messages = 50_000;

/** What nginx served in a run, and what the agent made of it. */
interface Run extends Traced<number> {
  readonly served: number;
  readonly seen: number;
}

/**
 * A real nginx behind a veth, with and without the real agent in turns: wrk at full speed, h2load at a fixed rate, pipelining and with
 * many streams, and latencies in an open loop. nginx's stub_status is the denominator; CPU is the kernel's count of its BPF programs
 * plus all of the agent's process.
 */
export async function benchAgent(
  progress: (line: string) => void,
  signal: AbortSignal,
): Promise<Figures> {
  need(['h2load', 'ip', 'nginx', 'nsenter', 'wrk']);
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
  for (const [name, load] of loadsOf(bed, nginx)) {
    const one = await counted(bed, nginx, load);
    runs.set(name, one);
    progress(`${name}: ${one.result.toFixed(0)} requests/s, ${one.seen} of ${one.served} seen`);
  }
  const ignoring = await nsPerIgnoringRun(bed);
  progress(`kernel program: ${ignoring.toFixed(0)} ns per ignoring run`);
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
      [...runs.values()].reduce((sum, one) => sum + unexplainedOf(one), 0),
    inFlight: ledger.capture.requests.open,
    cpuMicrosPerRequest: cpuMicros(full.run),
    cpuMicrosPerRequestOf: of(cpuMicros),
    kernelMicrosPerRequest: full.run.micros.kernel / full.run.served,
    agentUserMicrosPerRequest: full.run.micros.user / full.run.served,
    agentSystemMicrosPerRequest: full.run.micros.system / full.run.served,
    nsPerCopyingRun: nsPerCopyingRun(full.run, ignoring),
    nsPerIgnoringRun: ignoring,
    ...latency,
    compressedBytesPerSpan: bytes / Math.max(1, spans),
    agentMaxRssMiB: Math.round(ledger.maxRssBytes / 2 ** 20),
    lost: lossesOf(ledger),
  };
}

/** wrk, untraced and traced in turns; the traced runs are added up. */
async function atFullSpeed(
  bed: Bed,
  nginx: Nginx,
  progress: (line: string) => void,
): Promise<{ run: Run; baseline: number }> {
  const load = (seconds: number) => (): Promise<number> => wrk(bed, nginx, seconds);
  await load(1)();
  const baselines: number[] = [];
  const runs: Run[] = [];
  for (let round = 1; round <= rounds; round += 1) {
    await attach(bed, false);
    const baseline = await load(runSeconds)();
    await attach(bed, true);
    const one = await counted(bed, nginx, load(runSeconds));
    baselines.push(baseline);
    runs.push(one);
    progress(
      `round ${round}/${rounds}: ${baseline.toFixed(0)} requests/s untraced, ${one.result.toFixed(0)} traced, ${one.seen} of ${one.served} seen`,
    );
  }
  return { run: addUp(runs), baseline: mean(baselines) };
}

/** Requests per second. */
async function wrk({ network, signal }: Bed, nginx: Nginx, seconds: number): Promise<number> {
  const url = `http://${network.server.address}:${nginx.port}/`;
  const command = ['wrk', '-t1', '-c32', `-d${seconds}s`, url];
  const output = await run(...network.client.inside(command), signal);
  if (/Non-2xx|Socket errors/.test(output)) throw new Error(`wrk had errors:\n${output}`);
  const rate = /^Requests\/sec:\s+([\d.]+)/m.exec(output)?.[1];
  if (rate === undefined) throw new Error(`wrk said nothing of its rate:\n${output}`);
  return Number(rate);
}

async function counted(bed: Bed, nginx: Nginx, load: () => Promise<number>): Promise<Run> {
  const servedBefore = await nginx.requests();
  const one = await traced(bed, load);
  return {
    ...one,
    served: (await nginx.requests()) - servedBefore,
    seen: one.after.capture.requests.seen - one.before.capture.requests.seen,
  };
}

/** Packets of a connection whose bytes are of no protocol: user space has told the kernel not to copy them. */
async function nsPerIgnoringRun(bed: Bed): Promise<number> {
  const one = await traced(bed, () => chatter(bed.network, messages, bed.signal));
  const copied = copiedSegments(one);
  if (copied > one.programs.runs / 100) throw new Error(`${copied} segments were copied`);
  return one.programs.ns / one.programs.runs;
}

/** What is left for the runs that copy when those that do not, such as of bare acknowledgements, cost what they cost elsewhere. */
function nsPerCopyingRun(one: Traced<unknown>, nsPerIgnoring: number): number {
  const { runs, ns }: ProgramRuns = one.programs;
  const copying = copiedSegments(one);
  return (ns - (runs - copying) * nsPerIgnoring) / copying;
}

function copiedSegments({ before, after }: Traced<unknown>): number {
  const [from, to] = [before.capture.wire, after.capture.wire];
  return to.segments - from.segments - (to.unwanted - from.unwanted);
}

const cpuMicros = ({ micros, served }: Run): number =>
  (micros.kernel + micros.user + micros.system) / served;

/** nginx and the agent count the same, but for what is in flight when a load ends. */
const unexplainedOf = ({ served, seen, after }: Run): number =>
  Math.max(0, Math.abs(served - seen) - after.capture.requests.open);

function addUp(runs: readonly Run[]): Run {
  const [first, last] = [runs[0], runs.at(-1)];
  if (first === undefined || last === undefined) throw new RangeError('no run');
  const total = (of: (one: Run) => number): number => sum(runs.map(of));
  return {
    result: mean(runs.map(({ result }) => result)),
    // What is untraced between them moves no counter.
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

const sum = (values: readonly number[]): number => values.reduce((total, one) => total + one, 0);
const mean = (values: readonly number[]): number => sum(values) / Math.max(1, values.length);

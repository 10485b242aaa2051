import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { freePort } from '../../functions/lib/free-port.ts';
import { startAgent, type AgentLedger, type AgentProcess } from './lib/agent-process.ts';
import type { Figures } from './lib/bench.ts';
import { need, run } from './lib/command.ts';
import { makeNetwork, type Host } from './lib/network.ts';
import { startNginx, type Nginx } from './lib/nginx.ts';
import { startSink, type Sink } from './lib/sink.ts';
import { setSysctl } from './lib/sysctl.ts';

const rounds = 4;
const runSeconds = 3;
const tap = {
  metadata: { namespace: 'bench', name: 'nginx' },
  spec: { selector: { matchLabels: { app: 'nginx' } } },
};

interface Bed {
  readonly client: Host;
  readonly url: string;
  readonly nginx: Nginx;
  readonly sink: Sink;
  readonly agent: AgentProcess;
  readonly signal: AbortSignal;
}

/** What one traced run cost and counted. */
interface TracedRun {
  readonly requestsPerSecond: number;
  /** By nginx, and by the agent. */
  readonly served: number;
  readonly seen: number;
  readonly kernelMicros: number;
  readonly userMicros: number;
  readonly systemMicros: number;
}

/**
 * wrk at full speed on a real nginx in its own namespace, with and without tracing in turns.
 * nginx's stub_status is the denominator; CPU is the kernel's count of its BPF programs plus all
 * of the agent's process.
 */
export async function benchAgent(
  progress: (line: string) => void,
  signal: AbortSignal,
): Promise<Figures> {
  need(['ip', 'nsenter', 'nginx', 'wrk']);
  const cleanUp = new AsyncDisposableStack();
  try {
    const dir = await mkdtemp(join(tmpdir(), 'clover-bench-'));
    cleanUp.defer(() => rm(dir, { recursive: true, force: true }));
    cleanUp.defer(await setSysctl('kernel.bpf_stats_enabled', '1'));
    const network = await makeNetwork();
    cleanUp.defer(() => network.remove());
    const nginx = await startNginx(network.server, dir);
    cleanUp.defer(() => nginx.stop());
    const sink = await startSink();
    cleanUp.defer(() => sink.stop());
    const agent = await startAgent({
      dir,
      controlPlaneUrl: sink.url,
      pods: [podOf(network.server)],
      port: await freePort(),
    });
    cleanUp.defer(() => agent.stop());
    progress(`nginx, sink and agent (pid ${agent.pid}) are up`);
    const url = `http://${network.server.address}:${nginx.port}/`;
    const bed = { client: network.client, url, nginx, sink, agent, signal };
    return await measure(bed, progress);
  } finally {
    await cleanUp.disposeAsync();
  }
}

async function measure(bed: Bed, progress: (line: string) => void): Promise<Figures> {
  await wrk(bed, 1);
  const baselines: number[] = [];
  const traced: TracedRun[] = [];
  for (let round = 1; round <= rounds; round += 1) {
    await attach(bed, false);
    const baseline = await wrk(bed, runSeconds);
    await attach(bed, true);
    const one = await tracedRun(bed);
    baselines.push(baseline);
    traced.push(one);
    progress(
      `round ${round}/${rounds}: ${baseline.toFixed(0)} requests/s untraced, ${one.requestsPerSecond.toFixed(0)} traced, ${one.seen} of ${one.served} seen`,
    );
  }
  const ledger = await bed.agent.ledger();
  const served = sum(traced.map((one) => one.served));
  const kernel = sum(traced.map((one) => one.kernelMicros)) / served;
  const user = sum(traced.map((one) => one.userMicros)) / served;
  const system = sum(traced.map((one) => one.systemMicros)) / served;
  const requestsPerSecond = mean(traced.map((one) => one.requestsPerSecond));
  const { spans, bytes } = await bed.sink.counts();
  return {
    requestsPerSecond: Math.round(requestsPerSecond),
    baselineRequestsPerSecond: Math.round(mean(baselines)),
    throughputRatio: requestsPerSecond / mean(baselines),
    requests: served,
    capturedRatio: sum(traced.map((one) => one.seen)) / served,
    unexplained: ledger.unexplained + Math.abs(ledger.sink.accepted.spans - spans),
    cpuMicrosPerRequest: kernel + user + system,
    kernelMicrosPerRequest: kernel,
    agentUserMicrosPerRequest: user,
    agentSystemMicrosPerRequest: system,
    compressedBytesPerSpan: bytes / Math.max(1, spans),
    agentMaxRssMiB: Math.round(ledger.maxRssBytes / 2 ** 20),
    lost: lossesOf(ledger),
  };
}

/** One run of wrk under tracing, from a quiet agent to a quiet agent. */
async function tracedRun(bed: Bed): Promise<TracedRun> {
  const [before, servedBefore] = [await settled(bed), await bed.nginx.requests()];
  const requestsPerSecond = await wrk(bed, runSeconds);
  const [after, servedAfter] = [await settled(bed), await bed.nginx.requests()];
  return {
    requestsPerSecond,
    served: servedAfter - servedBefore,
    seen: after.capture.requests.seen - before.capture.requests.seen,
    kernelMicros: (after.kernelCpuNs - before.kernelCpuNs) / 1_000,
    userMicros: after.cpuMicros.user - before.cpuMicros.user,
    systemMicros: after.cpuMicros.system - before.cpuMicros.system,
  };
}

/** The ledger once nothing moves any more: no new segments, nothing undelivered. */
async function settled({ agent, signal }: Bed): Promise<AgentLedger> {
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

/** Turns tracing on or off with a Tap, and waits for it. */
async function attach({ sink, agent, signal }: Bed, wanted: boolean): Promise<void> {
  await sink.setTaps(wanted ? [tap] : []);
  for (const deadline = Date.now() + 10_000; Date.now() < deadline;) {
    const { attachments } = await agent.ledger();
    if (attachments.attached === Number(wanted)) return;
    await sleep(100, undefined, { signal });
  }
  throw new Error(`the agent does not ${wanted ? 'attach' : 'detach'}`);
}

/** Requests per second. */
async function wrk({ client, url, signal }: Bed, seconds: number): Promise<number> {
  const [program, args] = client.inside(['wrk', '-t1', '-c32', `-d${seconds}s`, url]);
  const output = await run(program, args, signal);
  if (/Non-2xx|Socket errors/.test(output)) throw new Error(`wrk had errors:\n${output}`);
  const rate = /^Requests\/sec:\s+([\d.]+)/m.exec(output)?.[1];
  if (rate === undefined) throw new Error(`wrk said nothing of its rate:\n${output}`);
  return Number(rate);
}

function podOf(host: Host): object {
  return {
    namespace: 'bench',
    name: 'nginx-0',
    uid: 'bench-nginx-0',
    labels: { app: 'nginx', version: 'v1' },
    interface: host.hostInterface,
    addresses: [host.address],
  };
}

function lossesOf({ capture, sink }: AgentLedger): Record<string, number> {
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

const sum = (values: readonly number[]): number => values.reduce((total, one) => total + one, 0);
const mean = (values: readonly number[]): number => sum(values) / Math.max(1, values.length);

import { setTimeout as sleep } from 'node:timers/promises';
import { attach, lossesOf, makeBed, settled, traced, type Bed } from './lib/bed.ts';
import type { Figures } from './lib/bench.ts';
import { need, run } from './lib/command.ts';
import { startNsd, type Nsd } from './lib/nsd.ts';

const seconds = 5;
/** A query and its response are two messages. */
const goal = 65_000 / 2;

/** What dnsperf sent and what it got. */
interface Asked {
  readonly sent: number;
  readonly completed: number;
  readonly perSecond: number;
}

/** A real nsd behind a veth that answers dnsperf: at a rate above the goal, then as fast as it goes, each query traced by the real agent. */
export async function benchDns(
  progress: (line: string) => void,
  signal: AbortSignal,
): Promise<Figures> {
  need(['dnsperf', 'ip', 'nsd', 'nsenter']);
  const cleanUp = new AsyncDisposableStack();
  try {
    const bed = await makeBed(cleanUp, signal);
    const nsd = await startNsd(bed.network.server, bed.dir);
    cleanUp.defer(() => nsd.stop());
    await answering(bed, nsd);
    await attach(bed, 'veth');
    return await measure(bed, nsd, progress);
  } finally {
    await cleanUp.disposeAsync();
  }
}

async function measure(bed: Bed, nsd: Nsd, progress: (line: string) => void): Promise<Figures> {
  const runs = {
    paced: await traced(bed, () => ask(bed, nsd, ['-l', `${seconds}`, '-Q', `${goal * 1.02}`])),
    atFullSpeed: await traced(bed, () => ask(bed, nsd, ['-l', `${seconds}`])),
  };
  const figures = Object.entries(runs).map(([name, { result, before, after, micros }]) => {
    const seen = after.capture.requests.seen - before.capture.requests.seen;
    progress(`${name}: ${result.perSecond.toFixed(0)} queries/s, ${seen} of ${result.sent} seen`);
    return {
      name,
      capturedRatio: seen / result.sent,
      messagesPerSecond: 2 * result.perSecond,
      cpuMicrosPerRequest: (micros.kernel + micros.user + micros.system) / result.sent,
      answeredRatio: result.completed / result.sent,
    };
  });
  const ledger = await settled(bed);
  const { spans } = await bed.sink.counts();
  const of = (figure: (one: (typeof figures)[number]) => number): Record<string, number> =>
    Object.fromEntries(figures.map((one) => [one.name, figure(one)]));
  return {
    messagesPerSecond: 2 * runs.atFullSpeed.result.perSecond,
    messagesPerSecondOf: of((one) => one.messagesPerSecond),
    capturedRatio: Math.min(...figures.map((one) => one.capturedRatio)),
    answeredRatioOf: of((one) => one.answeredRatio),
    cpuMicrosPerRequest: of((one) => one.cpuMicrosPerRequest),
    unexplained: ledger.unexplained + Math.abs(ledger.sink.accepted.spans - spans),
    lost: lossesOf(ledger),
  };
}

/** Runs dnsperf to its end, when each query is answered or given up. */
async function ask({ network, signal }: Bed, nsd: Nsd, limits: readonly string[]): Promise<Asked> {
  const { address } = network.server;
  const to = ['-s', address, '-p', `${nsd.port}`, '-d', nsd.queries, '-c', '20', '-t', '1'];
  const said = await run(...network.client.inside(['dnsperf', ...to, ...limits]), signal);
  const figure = (label: string): number => {
    const value = new RegExp(`${label}:\\s+([\\d.]+)`).exec(said)?.[1];
    if (value === undefined) throw new Error(`dnsperf said nothing of ${label}:\n${said}`);
    return Number(value);
  };
  return {
    sent: figure('Queries sent'),
    completed: figure('Queries completed'),
    perSecond: figure('Queries per second'),
  };
}

async function answering(bed: Bed, nsd: Nsd): Promise<void> {
  for (let tries = 0; tries < 20; tries += 1) {
    const { sent, completed } = await ask(bed, nsd, ['-n', '1']);
    if (sent > 0 && sent === completed) return;
    await sleep(100, undefined, { signal: bed.signal });
  }
  throw new Error('nsd does not answer');
}

import { setTimeout as sleep } from 'node:timers/promises';
import { pacedLoad } from './agent/loads.ts';
import { counted, addUp, unexplainedOf, type Run } from './agent/run.ts';
import { attach, lossesOf, settled } from './lib/bed.ts';
import type { BenchOptions, Figures } from './lib/bench.ts';
import { need } from './lib/command.ts';
import { makeLimitedBed, mib } from './lib/limited-bed.ts';
import { median } from './lib/median.ts';
import { startNginx } from './lib/nginx.ts';
import { slopeOf, type Sample } from './lib/slope.ts';

/** The beginning, in which heaps find their size, says nothing of a slope. */
const warmUpShare = 0.2;
const hourMs = 3_600_000;

/**
 * The agent under its container's limit of memory and 5,000 requests/s on connections that come and go, for as long as is said: what it
 * takes, and how that goes up.
 */
export async function benchSoak(
  progress: (line: string) => void,
  signal: AbortSignal,
  { minutes }: BenchOptions,
): Promise<Figures> {
  need(['h2load', 'ip', 'nginx', 'nsenter']);
  const cleanUp = new AsyncDisposableStack();
  try {
    const { bed, limit } = await makeLimitedBed(cleanUp, signal);
    const nginx = await startNginx(bed.network.server, bed.dir);
    cleanUp.defer(() => nginx.stop());
    await attach(bed, 'veth');
    const started = Date.now();
    const end = started + minutes * 60_000;
    const samples: Sample[] = [];
    const sampling = (async () => {
      while (Date.now() < end && !signal.aborted) {
        samples.push({ at: Date.now(), value: await limit.boundBytes() });
        await sleep(1_000);
      }
    })();
    // Told at the end, before which what was set up has to be taken down.
    sampling.catch(() => undefined);
    const runs: Run[] = [];
    while (Date.now() < end) {
      const one = await counted(bed, nginx, pacedLoad(bed, nginx, { requests: 100_000 }));
      runs.push(one);
      const now = mib(await limit.boundBytes());
      progress(`${one.seen} of ${one.served} seen, ${now} MiB`);
    }
    await sampling;
    const steady = samples.filter(({ at }) => at >= started + (end - started) * warmUpShare);
    const inMiB = steady.map(({ at, value }) => ({ at: at / hourMs, value: value / 2 ** 20 }));
    const { slope, from, to } = slopeOf(inMiB);
    const all = addUp(runs);
    const ledger = await settled(bed);
    return {
      memoryMiB: median(inMiB.map(({ value }) => value)),
      memoryMiBMost: mib(Math.max(...samples.map(({ value }) => value))),
      memoryMiBPerHour: { slope, from, to },
      minutes,
      requests: all.served,
      capturedRatio: all.seen / all.served,
      unexplained: ledger.unexplained + unexplainedOf(all),
      oomKills: await limit.oomKills(),
      lost: lossesOf(ledger),
    };
  } finally {
    await cleanUp.disposeAsync();
  }
}

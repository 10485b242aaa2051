import { setTimeout as sleep } from 'node:timers/promises';
import { z } from 'zod';
import { attach, makeBed, settled, type Bed } from './lib/bed.ts';
import type { Figures } from './lib/bench.ts';
import { end, need, run, start } from './lib/command.ts';
import { median } from './lib/median.ts';
import { inPairs, medianOf } from './lib/pairs.ts';

const seconds = 2;

const report = z.object({
  end: z.object({ sum_received: z.object({ bits_per_second: z.number().positive() }) }),
});

/**
 * As much as one TCP connection takes through a veth: iperf3 with and without the real agent's programs there, in pairs. Its bytes are of
 * no protocol, so that the kernel soon passes them by.
 */
export async function benchBulk(
  progress: (line: string) => void,
  signal: AbortSignal,
): Promise<Figures> {
  need(['ip', 'iperf3', 'nsenter']);
  const cleanUp = new AsyncDisposableStack();
  try {
    const bed = await makeBed(cleanUp, signal);
    const command = ['iperf3', '--server', '--logfile', '/dev/null'];
    const server = start(...bed.network.server.inside(command));
    cleanUp.defer(() => end(server));
    await listening(bed);
    return await measure(bed, progress);
  } finally {
    await cleanUp.disposeAsync();
  }
}

async function measure(bed: Bed, progress: (line: string) => void): Promise<Figures> {
  const pairs = await inPairs(async (tracing) => {
    await attach(bed, tracing ? 'veth' : undefined);
    return gigabitsPerSecond(bed, seconds);
  });
  const slowdowns = pairs.map(({ traced, untraced }) => 100 * (1 - traced / untraced));
  progress(
    `slowdown of each pair in per cent: ${slowdowns.map((one) => one.toFixed(1)).join(' ')}`,
  );
  const { difference, from, to } = medianOf(slowdowns);
  const { capture, unexplained } = await settled(bed);
  const { segments, payloadBytes, unwanted } = capture.wire;
  return {
    slowdownPercent: difference,
    slowdownPercentWithin: { from, to },
    gigabitsPerSecond: {
      traced: median(pairs.map(({ traced }) => traced)),
      untraced: median(pairs.map(({ untraced }) => untraced)),
    },
    bytesPerSegment: Math.round(payloadBytes / segments),
    copiedSegments: segments - unwanted,
    unexplained,
  };
}

async function gigabitsPerSecond({ network, signal }: Bed, time: number): Promise<number> {
  const command = ['iperf3', '--client', network.server.address, '--time', String(time), '--json'];
  const { end: measured } = report.parse(
    JSON.parse(await run(...network.client.inside(command), signal)),
  );
  return measured.sum_received.bits_per_second / 1e9;
}

/** A first run warms up, too. */
async function listening(bed: Bed): Promise<void> {
  for (let tries = 0; ; tries += 1) {
    try {
      await gigabitsPerSecond(bed, 1);
      return;
    } catch (cause) {
      if (tries === 20 || bed.signal.aborted) throw cause;
      await sleep(100);
    }
  }
}

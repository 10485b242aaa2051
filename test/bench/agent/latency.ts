import { join } from 'node:path';
import { attach, type Bed } from '../lib/bed.ts';
import { h2load, latenciesOf } from '../lib/h2load.ts';
import { median } from '../lib/median.ts';
import type { Nginx } from '../lib/nginx.ts';
import { inPairs, medianOf } from '../lib/pairs.ts';

const perSecond = 2_000;
const requests = 4_000;
/** More than are ever busy, so that a late response delays no request. */
const connections = 50;

interface Latency {
  readonly p50: number;
  readonly p99: number;
}

/** Microseconds with tracing, without, and the difference of a pair: its median, and the bounds that hold it with 96 %. */
type Compared = Readonly<Record<string, number>>;

/** 2,000 requests a second by the clock, whatever becomes of them: pairs of runs with and without tracing. */
export async function compareLatency(
  bed: Bed,
  nginx: Nginx,
  progress: (line: string) => void,
): Promise<{ latencyP50Micros: Compared; latencyP99Micros: Compared }> {
  const pairs = await inPairs(async (tracing) => {
    await attach(bed, tracing ? 'veth' : undefined);
    return openLoop(bed, nginx);
  });
  const compare = (of: (one: Latency) => number): Compared => ({
    traced: median(pairs.map(({ traced }) => of(traced))),
    untraced: median(pairs.map(({ untraced }) => of(untraced))),
    ...medianOf(pairs.map(({ traced, untraced }) => of(traced) - of(untraced))),
  });
  const compared = {
    latencyP50Micros: compare(({ p50 }) => p50),
    latencyP99Micros: compare(({ p99 }) => p99),
  };
  progress(`open loop: ${JSON.stringify(compared)}`);
  return compared;
}

async function openLoop({ dir, network, signal }: Bed, nginx: Nginx): Promise<Latency> {
  const logFile = join(dir, 'latencies.tsv');
  const url = `http://${network.server.address}:${nginx.port}/`;
  const load = { url, http1: true, connections, streams: 1, requests, perSecond, logFile };
  await h2load(network.client, load, signal);
  const sorted = await latenciesOf(logFile);
  const quantile = (share: number): number => sorted[Math.ceil(share * sorted.length) - 1] ?? 0;
  return { p50: quantile(0.5), p99: quantile(0.99) };
}

import { join } from 'node:path';
import { attach, type Bed } from '../lib/bed.ts';
import { h2load, latenciesOf } from '../lib/h2load.ts';
import { median } from '../lib/median.ts';
import type { Nginx } from '../lib/nginx.ts';

const pairs = 12;
const perSecond = 2_000;
const requests = 4_000;
/** More than are ever busy, so that a late response delays no request. */
const connections = 50;

interface Latency {
  readonly p50: number;
  readonly p99: number;
}

/** Microseconds with tracing, without, and the difference of a pair: its median, and the bounds that hold it with 96 % (sign test). */
type Compared = Readonly<Record<string, number>>;

/** 2,000 requests a second by the clock, whatever becomes of them: pairs of runs with and without tracing, the first by turns. */
export async function compareLatency(
  bed: Bed,
  nginx: Nginx,
  progress: (line: string) => void,
): Promise<{ latencyP50Micros: Compared; latencyP99Micros: Compared }> {
  const [traced, untraced]: Latency[][] = [[], []];
  for (let pair = 0; pair < pairs; pair += 1) {
    for (const tracing of pair % 2 === 0 ? [true, false] : [false, true]) {
      await attach(bed, tracing);
      (tracing ? traced : untraced)?.push(await openLoop(bed, nginx));
    }
  }
  const compare = (of: (one: Latency) => number): Compared => {
    const [own, other] = [traced?.map(of) ?? [], untraced?.map(of) ?? []];
    const differences = own
      .map((value, pair) => value - (other[pair] ?? Number.NaN))
      .toSorted((a, b) => a - b);
    return {
      traced: median(own),
      untraced: median(other),
      difference: median(differences),
      // Of twelve, the third and the tenth.
      from: differences[2] ?? Number.NaN,
      to: differences[9] ?? Number.NaN,
    };
  };
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

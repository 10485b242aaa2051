import { importEcho, startPod } from '../cluster/installation/pods.ts';
import { whyLeftOut, withCluster } from '../cluster/with-cluster.ts';
import type { Bench } from './lib/bench.ts';
import { median } from './lib/median.ts';

/** Odd. */
const rounds = 5;

/** Seconds that the testbed may take on two quiet cores, with its programs built. */
const limits = { api: 15, readyPod: 40 };

/**
 * The testbed's tiers from nothing but built programs, in turns: `seconds` until the API server of the tier `api` can be used, until
 * the node of the tier `node` is Ready, and until its first pod is. Beside them what they may take.
 * @throws Error that says what the machine lacks.
 */
export const benchTestbed: Bench = async (progress, signal) => {
  const why = await whyLeftOut('node');
  if (why !== undefined) throw new Error(why);
  const found = { api: [] as number[], node: [] as number[], readyPod: [] as number[] };
  for (let round = 1; round <= rounds; round += 1) {
    found.api.push(await timed(async (ends) => void (await withCluster(ends, 'api'))));
    signal.throwIfAborted();
    let node = 0;
    const readyPod = await timed(async (ends, seconds) => {
      const tier = await withCluster(ends, 'node');
      node = seconds();
      await importEcho(tier);
      await startPod(tier, 'default', 'first');
    });
    found.node.push(node);
    found.readyPod.push(readyPod);
    signal.throwIfAborted();
    const said = Object.entries(found).map(([name, all]) => `${name} ${all.at(-1)?.toFixed(1)}`);
    progress(`start ${round}/${rounds}, s: ${said.join(', ')}`);
  }
  return {
    seconds: {
      api: median(found.api),
      node: median(found.node),
      readyPod: median(found.readyPod),
    },
    limitSeconds: limits,
  };
};

/** Seconds that some work takes; what it has started is taken down after them. */
async function timed(
  work: (ends: { teardown(end: () => unknown): void }, seconds: () => number) => Promise<void>,
): Promise<number> {
  const ends: (() => unknown)[] = [];
  const began = performance.now();
  const seconds = (): number => (performance.now() - began) / 1_000;
  try {
    await work({ teardown: (end) => void ends.push(end) }, seconds);
    return seconds();
  } finally {
    for (const end of ends.toReversed()) await end();
  }
}
